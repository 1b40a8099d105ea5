#include "relay/suspended_delivery.hpp"

#include <algorithm>

#include "relay/pipeline.hpp"

namespace signet {
namespace {

constexpr std::chrono::minutes kLookAgain{15};

}  // namespace

std::vector<Suspension> suspensions_of(const Suspensions& all, const spool::Record& record,
                                       const config::PoolSettings* pool) {
  std::vector<Suspension> found;
  const auto look = [&](SuspensionKind kind, std::string_view value) {
    auto one = all.find(kind, value);
    if (one) found.push_back(std::move(*one));
  };
  look(SuspensionKind::client, record.client);
  look(SuspensionKind::domain, record.author_domain);
  if (record.envelope.sender && record.envelope.sender->domain.text() != record.author_domain)
    look(SuspensionKind::domain, record.envelope.sender->domain.text());
  if (pool == nullptr) return found;
  const std::size_t others = found.size();
  for (const config::EgressAddress& each : pool->addresses)
    look(SuspensionKind::egress, each.public_address.to_string());
  // One address that may be used is enough.
  if (found.size() - others < pool->addresses.size()) found.resize(others);
  return found;
}

bool Outbound::keep_what_may_go(Job& job, const Destination& destination) {
  if (services_.suspensions.none()) return true;
  Delivery& delivery = *job.delivery;
  const auto whole =
      suspensions_of(services_.suspensions, delivery.record(),
                     route::find_pool(*delivery.snapshot->settings, destination.pool));
  std::vector<std::uint32_t> kept;
  for (const std::uint32_t index : job.recipients) {
    auto& recipient = delivery.state.recipients[index];
    const auto stopped =
        !whole.empty() ? std::optional(whole.front())
                       : services_.suspensions.find(SuspensionKind::destination,
                                                    recipient.recipient.address.domain.text());
    if (!stopped) {
      kept.push_back(index);
      continue;
    }
    recipient.last_reply =
        std::string(kSuspendedReply) + (stopped->reason.empty() ? "" : ": " + stopped->reason);
    const WallTime until =
        std::min(services_.clock.now() + kLookAgain, stopped->until.value_or(WallTime::max()));
    delivery.parked_until = std::min(delivery.parked_until.value_or(until), until);
  }
  job.recipients = std::move(kept);
  if (!job.recipients.empty()) return true;
  if (--delivery.open_jobs == 0) scope_.spawn(settle(std::move(job.delivery)));
  return false;
}

}  // namespace signet
