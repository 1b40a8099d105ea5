// What is refused before DATA, told in the delivery log: event `rejected` of config/events.md.
//
// Whoever is refused chooses how often: of more than kMostPerSecond only their number is told. What
// follows DATA is the pipeline's `refused`.
#pragma once

#include <mutex>
#include <optional>
#include <string_view>

#include "relay/accept/session.hpp"
#include "relay/base/clock.hpp"
#include "relay/base/rate_limit.hpp"
#include "relay/report/delivery_log.hpp"

namespace signet {

class Rejections {
 public:
  static constexpr std::uint32_t kMostPerSecond = 5;

  Rejections(report::DeliveryLog& log, const Clock& clock) : log_(log), clock_(clock) {}
  /// `command`: "MAIL" …, or "connection". `sender`: the one of the message, or empty. Any thread.
  void note(std::string_view command, const accept::SessionFacts& facts, std::string_view sender,
            const Error& error);

 private:
  /// How many were left out since the one before; nothing: this one is too.
  [[nodiscard]] std::optional<std::int64_t> take_turn();

  report::DeliveryLog& log_;
  const Clock& clock_;
  std::mutex mutex_;
  RateLimit rate_;
  std::int64_t left_out_ = 0;
};

}  // namespace signet
