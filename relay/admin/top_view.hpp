// What `signet top` shows: numbers from two readings of the metrics, and the lines of one frame.
// No I/O.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "relay/admin/exposition.hpp"
#include "relay/admin/terminal.hpp"

namespace signet::admin {

/// The metrics at one time.
struct MetricsReading {
  std::vector<Sample> samples;
  std::chrono::duration<double> uptime{};  ///< Of the relay.
};

/// Something counted: since the start, and each second lately.
struct Rate {
  double total = 0;
  double per_second = 0;
};

struct TopView {
  std::string version;
  std::chrono::duration<double> uptime{};
  std::chrono::duration<double> span{};  ///< Of the rates.
  bool is_ready = false;
  std::map<std::string, double> gauges;  ///< "messages", "held", "memory" …: those of kGauges.
  std::map<std::string, Rate> rates;  ///< "accepted", "refused", "delivered", "deferred", "failed".
  std::map<std::string, Rate> refusals;  ///< By cause.
  struct Provider {
    Rate delivered;
    Rate deferred;
    Rate failed;
  };
  std::map<std::string, Provider> providers;
};

/// Without a reading before: rates since the start. One of another process does not count.
[[nodiscard]] TopView look_at(const MetricsReading& now,
                              const std::optional<MetricsReading>& before);

/// One frame, a line for each element, at most `size.rows` of them and none wider than
/// `size.columns`; 0: no limit. `colours`: with SGR sequences (ECMA-48 8.3.117).
[[nodiscard]] std::vector<std::string> frame_of(const TopView& view, TerminalSize size,
                                                bool colours);
[[nodiscard]] nlohmann::json to_json(const TopView& view);

}  // namespace signet::admin
