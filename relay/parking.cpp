// Room in memory for other destinations when one does not move: what waits for it goes back to the
// spool and comes again later, without counting as an attempt.
//
// A destination may fill as much memory as it leaves free, so one that is stuck has half of it, two
// have a third each, and there is always room for the rest.
#include <algorithm>

#include "relay/outbound.hpp"

namespace signet {
namespace {

constexpr std::chrono::seconds kLookAgain{1};
constexpr std::chrono::seconds kStuckAfter{10};  // The first in line has waited so long.
constexpr std::chrono::milliseconds kShortestParking{std::chrono::minutes(1)};
constexpr std::chrono::milliseconds kLongestParking{std::chrono::minutes(15)};

}  // namespace

net::Task<void> Outbound::relieve() {
  relieving_ = true;
  while (is_crowded() && !draining_) {
    co_await loop_.sleep(kLookAgain);
    const SteadyTime now = services_.clock.steady();
    for (auto& [key, destination] : destinations_) make_room(*destination, now);
  }
  relieving_ = false;
}

void Outbound::make_room(Destination& destination, SteadyTime now) {
  std::deque<Job>& jobs = destination.jobs;
  if (jobs.empty() || now - jobs.front().since < kStuckAfter) {
    destination.parked = 0;
    return;
  }
  const auto waited =
      std::chrono::duration_cast<std::chrono::milliseconds>(now - jobs.front().since);
  const auto in_line = static_cast<std::int64_t>(jobs.size());
  std::uint64_t bytes = 0;
  for (const Job& job : jobs) bytes += job.delivery->bytes;
  const auto left = [](auto used, auto limit) { return limit - std::min(used, limit); };
  while (!jobs.empty() && (jobs.size() > left(messages_.load(), kMaxMessages) ||
                           bytes > left(bytes_.load(), kMaxBytes))) {
    // Those in line took `waited` to come this far: so long will those parked before it need.
    const auto before = static_cast<std::int64_t>(destination.parked++);
    const auto until = std::min(kShortestParking + waited * before / in_line, kLongestParking);
    bytes -= jobs.back().delivery->bytes;
    Job job = std::move(jobs.back());
    jobs.pop_back();
    park(std::move(job), services_.clock.now() + until);
  }
}

void Outbound::park(Job job, WallTime until) {
  services_.metrics.limit_hit("destination_memory");
  job.delivery->parked_until = until;
  if (--job.delivery->open_jobs == 0) scope_.spawn(settle(std::move(job.delivery)));
}

}  // namespace signet
