#include <array>

#include "relay/authorise/authoriser.hpp"

namespace signet::authorise {
namespace {

constexpr std::int64_t kBuckets = 60;

/// What was counted in the last hour, to the minute.
class SlidingHour {
 public:
  [[nodiscard]] std::uint64_t total(std::int64_t minute) {
    advance(minute);
    return total_;
  }
  void add(std::int64_t minute, std::uint64_t amount) {
    advance(minute);
    bucket(minute) += amount;
    total_ += amount;
  }

 private:
  std::uint64_t& bucket(std::int64_t minute) {
    return buckets_[static_cast<std::size_t>(minute % kBuckets)];
  }
  void advance(std::int64_t minute) {
    if (minute - newest_ > kBuckets) newest_ = minute - kBuckets;
    while (newest_ < minute) {
      ++newest_;
      total_ -= bucket(newest_);
      bucket(newest_) = 0;
    }
  }

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t total_ = 0;
  std::int64_t newest_ = 0;
};

/// True when `amount` more would pass `limit`; a limit of 0 is none.
bool would_pass(std::uint64_t limit, std::uint64_t used, std::uint64_t amount) {
  return limit != 0 && (amount > limit || used > limit - amount);
}

Failure over_quota(const config::ClientSettings& client, const char* what) {
  return fail(Fault::quota_exceeded, "client " + client.name + ": " + what + " per hour");
}

}  // namespace

struct Quotas::Usage {
  SlidingHour messages;
  SlidingHour recipients;
  std::uint32_t connections = 0;
};

Quotas::Quotas(const Clock& clock) : clock_(clock) {}
Quotas::~Quotas() = default;

Quotas::Usage& Quotas::usage_of(const std::string& client) {
  auto& usage = usage_[client];
  if (!usage) usage = std::make_unique<Usage>();
  return *usage;
}

Result<void> Quotas::take_message(const config::ClientSettings& client, std::uint64_t recipients) {
  using std::chrono::floor;
  const std::int64_t minute =
      floor<std::chrono::minutes>(clock_.steady().time_since_epoch()).count();
  const std::scoped_lock lock(mutex_);
  Usage& usage = usage_of(client.name);
  if (would_pass(client.messages_per_hour, usage.messages.total(minute), 1)) {
    return over_quota(client, "messages");
  }
  if (would_pass(client.recipients_per_hour, usage.recipients.total(minute), recipients)) {
    return over_quota(client, "recipients");
  }
  usage.messages.add(minute, 1);
  usage.recipients.add(minute, recipients);
  return {};
}

Result<void> Quotas::take_connection(const config::ClientSettings& client) {
  const std::scoped_lock lock(mutex_);
  Usage& usage = usage_of(client.name);
  if (would_pass(client.connections, usage.connections, 1)) {
    return fail(Fault::too_many_connections, "client " + client.name);
  }
  ++usage.connections;
  return {};
}

void Quotas::return_connection(const config::ClientSettings& client) {
  const std::scoped_lock lock(mutex_);
  Usage& usage = usage_of(client.name);
  if (usage.connections > 0) --usage.connections;
}

}  // namespace signet::authorise
