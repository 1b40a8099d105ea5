#include "relay/net/loop.hpp"

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "relay/net/descriptor.hpp"
#include "relay/net/libevent.hpp"

namespace signet::net {
namespace {

using std::chrono::microseconds;
constexpr microseconds kTick = std::chrono::milliseconds(100);
constexpr microseconds kTurns =
    std::chrono::milliseconds(1);  // Of slices, before events are looked at again.

struct BaseFree {
  void operator()(event_base* base) const { event_base_free(base); }
};
using UniqueBase = std::unique_ptr<event_base, BaseFree>;

// Without libevent's locks: other threads reach the base through the eventfd of post() alone.
UniqueBase make_base() {
  event_config* config = event_config_new();
  if (config == nullptr) std::abort();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  event_config_require_features(config, EV_FEATURE_ET);
  UniqueBase base(event_base_new_with_config(config));
  event_config_free(config);
  if (!base) std::abort();
  return base;
}

void check(bool held) {
  if (!held) std::abort();
}

microseconds monotonic_now() {
  return std::chrono::duration_cast<microseconds>(
      std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

void internal::EventFree::operator()(::event* event) const { event_free(event); }

struct Loop::Impl {
  struct Signal {
    internal::UniqueEvent event;
    std::function<void()> handler;
  };

  explicit Impl(Loop& owner) : loop(owner) {}

  void watch_wake();
  void watch_ticks();
  void run_posted();
  void sample_lag();
  void add_turn(Turn& turn);
  void run_turns();
  void schedule_turns();

  Loop& loop;
  UniqueBase base = make_base();
  Descriptor wake{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  Descriptor tick{timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  internal::UniqueEvent wake_event;
  internal::UniqueEvent tick_event;
  microseconds next_tick{0};
  internal::UniqueEvent turn_event;
  std::deque<Turn*> turns;  // Null: destroyed while it waited.
  bool taking_turns = false;
  std::vector<std::function<void(microseconds)>> lag_observers;
  std::vector<std::unique_ptr<Signal>> signals;
  std::atomic<std::thread::id> thread;

  std::mutex mutex;
  std::vector<Work> posted;  // Guarded by mutex, as is:
  bool ending = false;
};

// Edge-triggered, so each write of post() is one event and the counter is never read.
void Loop::Impl::watch_wake() {
  check(wake.is_open());
  wake_event.reset(event_new(
      base.get(), wake.get(), EV_READ | EV_ET | EV_PERSIST,
      [](int, short, void* self) { static_cast<Impl*>(self)->run_posted(); }, this));
  check(wake_event && event_add(wake_event.get(), nullptr) == 0);
}

// A timerfd, because libevent's own timers know the time only to its coarse clock's 4 ms.
void Loop::Impl::watch_ticks() {
  check(tick.is_open());
  next_tick = monotonic_now() + kTick;
  const auto first = to_timeval(next_tick);
  const auto period = to_timeval(kTick);
  const itimerspec schedule{
      .it_interval = {.tv_sec = period.tv_sec, .tv_nsec = period.tv_usec * 1000},
      .it_value = {.tv_sec = first.tv_sec, .tv_nsec = first.tv_usec * 1000}};
  check(timerfd_settime(tick.get(), TFD_TIMER_ABSTIME, &schedule, nullptr) == 0);
  tick_event.reset(event_new(
      base.get(), tick.get(), EV_READ | EV_PERSIST,
      [](int, short, void* self) { static_cast<Impl*>(self)->sample_lag(); }, this));
  check(tick_event && event_add(tick_event.get(), nullptr) == 0);
}

void Loop::Impl::run_posted() {
  std::vector<Work> batch;
  {
    const std::lock_guard lock(mutex);
    batch.swap(posted);
  }
  for (auto& work : batch) {
    auto once = std::move(work);
    once();
  }
}

void Loop::Impl::sample_lag() {
  std::uint64_t expirations = 0;
  if (::read(tick.get(), &expirations, sizeof expirations) != sizeof expirations) return;
  const auto lag = std::max(monotonic_now() - next_tick, microseconds(0));
  next_tick += kTick * expirations;
  loop.lag_us_.store(lag.count(), std::memory_order_relaxed);
  for (const auto& observer : lag_observers) observer(lag);
}

void Loop::Impl::add_turn(Turn& turn) {
  turns.push_back(&turn);
  if (turns.size() == 1 && !taking_turns) schedule_turns();
}

// A timer of zero: libevent polls for events before it fires.
void Loop::Impl::schedule_turns() {
  if (!turn_event) {
    turn_event.reset(event_new(
        base.get(), -1, 0, [](int, short, void* self) { static_cast<Impl*>(self)->run_turns(); },
        this));
  }
  const timeval at_once{};
  check(turn_event && event_add(turn_event.get(), &at_once) == 0);
}

void Loop::Impl::run_turns() {
  const microseconds end = monotonic_now() + kTurns;
  taking_turns = true;
  do {
    Turn* turn = turns.front();
    turns.pop_front();
    if (turn != nullptr) std::exchange(turn->waiter_, {}).resume();
  } while (!turns.empty() && monotonic_now() < end);
  taking_turns = false;
  if (!turns.empty()) schedule_turns();
}

Loop::Turn::~Turn() {
  if (!waiter_) return;
  std::ranges::replace(loop_.impl_->turns, this, nullptr);
}

void Loop::Turn::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  loop_.impl_->add_turn(*this);
}

Loop::Turn Loop::turn() { return Turn(*this); }

Loop::Loop() : impl_(std::make_unique<Impl>(*this)), base_(impl_->base.get()) {
  std::signal(SIGPIPE, SIG_IGN);
  impl_->watch_wake();
}

Loop::~Loop() {
  for (;;) {
    std::vector<Work> dropped;
    {
      const std::lock_guard lock(impl_->mutex);
      impl_->ending = true;
      dropped.swap(impl_->posted);
    }
    if (dropped.empty()) return;
  }
}

void Loop::run() {
  impl_->thread.store(std::this_thread::get_id());
  impl_->watch_ticks();
  event_base_loop(base_, EVLOOP_NO_EXIT_ON_EMPTY);
  impl_->tick_event.reset();
  impl_->thread.store({});
}

void Loop::stop() {
  post([base = base_] { event_base_loopbreak(base); });
}

// The wake is inside the lock: what was posted may end the loop, which must not happen under us.
void Loop::post(Work work) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->ending) return;
  impl_->posted.push_back(std::move(work));
  if (impl_->posted.size() > 1) return;
  if (is_current()) {
    event_active(impl_->wake_event.get(), EV_READ, 0);
  } else {
    eventfd_write(impl_->wake.get(), 1);
  }
}

bool Loop::is_current() const { return impl_->thread.load() == std::this_thread::get_id(); }

void Loop::on_signal(int signal, std::function<void()> handler) {
  auto& entry = *impl_->signals.emplace_back(std::make_unique<Impl::Signal>());
  entry.handler = std::move(handler);
  entry.event.reset(event_new(
      base_, signal, EV_SIGNAL | EV_PERSIST,
      [](int, short, void* self) { static_cast<Impl::Signal*>(self)->handler(); }, &entry));
  check(entry.event && event_add(entry.event.get(), nullptr) == 0);
}

void Loop::on_lag(std::function<void(microseconds)> observer) {
  impl_->lag_observers.push_back(std::move(observer));
}

Loop::Sleep Loop::sleep(std::chrono::milliseconds duration) { return {*this, duration}; }

Loop::Sleep::~Sleep() = default;

void Loop::Sleep::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  timer_.reset(event_new(
      loop_.base(), -1, 0,
      [](int, short, void* self) { static_cast<Sleep*>(self)->waiter_.resume(); }, this));
  const auto delay = to_timeval(duration_);
  check(timer_ && event_add(timer_.get(), &delay) == 0);
}

LoopThread::LoopThread(const char* name)
    : thread_([this, label = std::string(name).substr(0, 15)] {
        pthread_setname_np(pthread_self(), label.c_str());
        loop_.run();
      }) {}

LoopThread::~LoopThread() {
  loop_.stop();
  thread_.join();
}

}  // namespace signet::net
