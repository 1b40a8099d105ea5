// What the kernel knows of this process: memory, descriptors, processor time, under the standard
// names of Prometheus. Linux only.
#pragma once

#include "monitoring/metrics.hpp"

namespace signet::monitoring {

/// They are read at each scrape.
void add_process_metrics(Metrics& metrics);

}  // namespace signet::monitoring
