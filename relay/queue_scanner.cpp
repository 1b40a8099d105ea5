#include "relay/queue_scanner.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace signet {
namespace {

constexpr std::chrono::milliseconds kPause{200};
constexpr std::chrono::milliseconds kRoomPause{5};
constexpr std::chrono::minutes kStartOver{1};
constexpr std::size_t kPage = 512;

}  // namespace

QueueScanner::QueueScanner(Services& services, net::Loop& loop, std::vector<Pipeline*> pipelines)
    : services_(services), loop_(loop), pipelines_(std::move(pipelines)) {
  for (Pipeline* pipeline : pipelines_) {
    pipeline->outbound().on_overflow([this](WallTime due) { rewind(due); });
  }
}

void QueueScanner::start() { scope_.spawn(scan()); }

void QueueScanner::rewind(WallTime due) {
  const std::lock_guard lock(mutex_);
  rewind_to_ = std::min(due, rewind_to_.value_or(due));
}

net::Task<void> QueueScanner::scan() {
  SteadyTime started_over = services_.clock.steady();
  for (;;) {
    const Pass passed = co_await pass();
    if (passed == Pass::more) continue;
    co_await loop_.sleep(passed == Pass::no_room ? kRoomPause : kPause);
    if (passed == Pass::done && services_.clock.steady() - started_over > kStartOver) {
      started_over = services_.clock.steady();
      cursor_ = {};
    }
  }
}

net::Task<QueueScanner::Pass> QueueScanner::pass() {
  const bool broken = services_.spool.broken().has_value();
  services_.metrics.spool_broken(broken);
  // What comes of an attempt could not be stored.
  if (broken || services_.spool.is_suspended()) co_return Pass::done;
  const auto has_room = [](const Pipeline* pipeline) { return pipeline->outbound().has_room(); };
  if (std::ranges::none_of(pipelines_, has_room)) co_return Pass::no_room;
  {
    const std::lock_guard lock(mutex_);
    if (rewind_to_ && *rewind_to_ <= cursor_.due)
      cursor_ = {*rewind_to_ - std::chrono::milliseconds(1), QueueId{UINT64_MAX}};
    rewind_to_.reset();
  }
  // What becomes due in this very millisecond may still be on its way into the index: leave it for
  // the next pass.
  const WallTime until = services_.clock.now() - std::chrono::milliseconds(1);
  if (services_.log.is_behind()) co_return Pass::done;
  auto entries = co_await net::run_on(services_.pool, loop_,
                                      [&spool = services_.spool, after = cursor_, until] {
                                        return spool.due(after, until, kPage);
                                      });
  if (!entries) {
    spdlog::error("due messages can't be read: {}", entries.error().detail);
    co_return Pass::done;
  }
  for (const spool::Entry& entry : *entries) {
    if (!hand_over(entry.id)) co_return Pass::no_room;
    cursor_ = entry;
  }
  co_return entries->size() == kPage ? Pass::more : Pass::done;
}

// To the loop its id hashes to, or the next one with room. False: none has; look again later.
bool QueueScanner::hand_over(QueueId id) {
  const std::size_t first = std::hash<QueueId>{}(id);
  for (std::size_t i = 0; i < pipelines_.size(); ++i) {
    Pipeline* pipeline = pipelines_[(first + i) % pipelines_.size()];
    if (pipeline->outbound().is_full()) continue;
    if (services_.in_memory.insert(id)) {
      pipeline->outbound().reserve();
      pipeline->loop().post([pipeline, id] { pipeline->outbound().claim(id); });
    }
    return true;
  }
  return false;
}

}  // namespace signet
