#include <algorithm>

#include "relay/schedule/schedule.hpp"

namespace signet::schedule {
namespace {

constexpr auto kYoung = std::chrono::hours(24);
constexpr std::uint64_t kJitterSteps = 1024;

std::chrono::milliseconds plain_delay(const config::QueueSettings& queue, std::uint32_t attempts,
                                      std::chrono::milliseconds age) {
  if (age >= kYoung || queue.retries.empty()) return queue.retry_later;
  const std::size_t failed = std::max<std::uint32_t>(attempts, 1);
  return queue.retries[std::min(failed, queue.retries.size()) - 1];
}

}  // namespace

WallTime next_attempt(const config::QueueSettings& queue, std::uint32_t attempts, WallTime received,
                      WallTime now, WallTime expires, std::uint64_t random) {
  const auto delay = plain_delay(queue, attempts, now - received);
  const auto step = static_cast<std::int64_t>(random % kJitterSteps);
  const auto jitter = delay * step / static_cast<std::int64_t>(10 * kJitterSteps);
  return std::min(now + delay + jitter, expires);
}

WallTime expiry(const config::QueueSettings& queue, bool null_sender, WallTime received) {
  return received + (null_sender ? queue.null_sender_life : queue.life);
}

}  // namespace signet::schedule
