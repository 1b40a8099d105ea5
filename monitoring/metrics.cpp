#include "monitoring/metrics.hpp"
