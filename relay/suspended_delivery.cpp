// Mail that an operator has stopped waits in the spool until it is resumed or the suspension ends.
#include <algorithm>

#include "relay/pipeline.hpp"

namespace signet {
namespace {

constexpr std::chrono::minutes kLookAgain{15};

}  // namespace

std::optional<Suspension> Outbound::suspended(const Delivery& delivery,
                                              const Destination& destination) {
  const Suspensions& all = services_.suspensions;
  const spool::Record& record = delivery.record();
  auto found = all.find(SuspensionKind::client, record.client);
  if (!found) found = all.find(SuspensionKind::domain, record.author_domain);
  if (!found && record.envelope.sender)
    found = all.find(SuspensionKind::domain, record.envelope.sender->domain.text());
  const auto* pool = route::find_pool(*delivery.snapshot->settings, destination.pool);
  if (found || pool == nullptr) return found;
  for (const config::EgressAddress& each : pool->addresses) {
    found = all.find(SuspensionKind::egress, each.public_address.to_string());
    if (!found) break;  // One that may be used is enough.
  }
  return found;
}

bool Outbound::keep_what_may_go(Job& job, const Destination& destination) {
  if (services_.suspensions.none()) return true;
  Delivery& delivery = *job.delivery;
  const auto whole = suspended(delivery, destination);
  std::vector<std::uint32_t> kept;
  for (const std::uint32_t index : job.recipients) {
    auto& recipient = delivery.state.recipients[index];
    const auto stopped =
        whole ? whole
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
