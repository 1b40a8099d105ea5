// The diagnostic log: JSON lines on standard error, asynchronous; the oldest are dropped and
// counted when they come faster than they can be written.
//
// For people who look for a cause. What became of each message is in the delivery log.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "relay/base/clock.hpp"

namespace signet::monitoring {

/// Makes spdlog's default logger ours. `level`: trace, debug, info, warning or error; another word
/// is info. Once, before other threads log.
void set_up_log(std::string_view level);

/// One line as the log writes it, with its LF. What is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string json_line(WallTime time, std::string_view level,
                                    std::string_view message);

/// After a reload. Any thread.
void set_log_level(std::string_view level);

/// Writes what waits; the log is silent afterwards.
void shut_down_log();

/// Lines that were dropped so far.
[[nodiscard]] std::uint64_t dropped_log_lines();

}  // namespace signet::monitoring
