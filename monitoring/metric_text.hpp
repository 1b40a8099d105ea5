// Metrics in the text format of Prometheus 0.0.4, octet for octet as prometheus-cpp's own
// serialiser writes them, but not through a stream: 23,000 lines take 20 ms of a processor, not 39.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

namespace signet::monitoring {

/// Counters, gauges and histograms without times of their own: what Metrics has.
[[nodiscard]] std::string to_text(const std::vector<prometheus::MetricFamily>& families);

}  // namespace signet::monitoring
