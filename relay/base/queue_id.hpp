// The name of a message in the queue: unique in a spool, ordered by time of receipt.
//
// 64 bits: microseconds since 1970 at receipt, made strictly increasing. As text: 11 characters of
// Crockford base32 (no I, L, O, U), upper case, so that ids sort as text too.
#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "relay/base/clock.hpp"
#include "relay/base/result.hpp"

namespace signet {

struct QueueId {
  std::uint64_t value = 0;

  [[nodiscard]] std::string to_string() const;
  /// Fault: bad_parameter. Lower case is accepted.
  [[nodiscard]] static Result<QueueId> parse(std::string_view text);
  friend auto operator<=>(const QueueId&, const QueueId&) = default;
};

/// Hands out ids; one per spool, safe from any thread.
class QueueIdSource {
 public:
  /// `last` is the greatest id the spool holds: every id handed out is greater, whatever the clock
  /// does.
  explicit QueueIdSource(QueueId last = {}) : last_(last.value) {}
  [[nodiscard]] QueueId next(WallTime now);

 private:
  std::atomic<std::uint64_t> last_;
};

}  // namespace signet

template <>
struct std::hash<signet::QueueId> {
  std::size_t operator()(const signet::QueueId& id) const noexcept {
    return static_cast<std::size_t>(id.value * 0x9E3779B97F4A7C15ULL >> 16U);
  }
};
