// Loop: one libevent base on one thread; the home of the coroutines that wait on it.
//
// Only net/ sees libevent. Everything here but post(), stop() and lag() is called on the loop's
// thread.
#pragma once

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "relay/base/executor.hpp"
#include "relay/net/task.hpp"

struct event_base;
struct event;

namespace signet::net {

namespace internal {
struct EventFree {
  void operator()(::event* event) const;
};
using UniqueEvent = std::unique_ptr<::event, EventFree>;
}  // namespace internal

class Loop final : public Executor {
 public:
  /// Also makes the process ignore SIGPIPE: a peer that hangs up is an answer of write(2).
  Loop();
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop(). The calling thread becomes the loop's thread.
  void run();
  /// Ends run() after the closures already posted. From any thread.
  void stop();
  /// From any thread; wakes the loop once per batch, not once per closure.
  void post(Work work) override;
  [[nodiscard]] bool is_current() const;
  /// Calls `handler` on this loop when `signal` arrives; until the loop ends. Only one loop of the
  /// program may take signals.
  void on_signal(int signal, std::function<void()> handler);

  /// `co_await loop.sleep(duration)`.
  class Sleep;
  [[nodiscard]] Sleep sleep(std::chrono::milliseconds duration);

  /// `co_await loop.turn()`: lets everything that is ready go first. For work in many slices (a
  /// large body): whatever number of tasks does that, other events wait at most a few milliseconds.
  class Turn;
  [[nodiscard]] Turn turn();

  /// How late the last timer tick fired: the time a ready event waits for its turn.
  [[nodiscard]] std::chrono::microseconds lag() const {
    return std::chrono::microseconds(lag_us_.load(std::memory_order_relaxed));
  }
  /// Called on the loop with each lag sample (every 100 ms).
  void on_lag(std::function<void(std::chrono::microseconds)> observer);

  [[nodiscard]] event_base* base() const { return base_; }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  event_base* base_ = nullptr;
  std::atomic<std::int64_t> lag_us_{0};
};

class Loop::Turn {
 public:
  explicit Turn(Loop& loop) : loop_(loop) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn();
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter);
  void await_resume() const noexcept {}

 private:
  friend class Loop;
  Loop& loop_;
  std::coroutine_handle<> waiter_;
};

class Loop::Sleep {
 public:
  Sleep(Loop& loop, std::chrono::milliseconds duration) : loop_(loop), duration_(duration) {}
  Sleep(const Sleep&) = delete;
  Sleep& operator=(const Sleep&) = delete;
  ~Sleep();
  [[nodiscard]] bool await_ready() const noexcept { return duration_.count() < 0; }
  void await_suspend(std::coroutine_handle<> waiter);
  void await_resume() const noexcept {}

 private:
  Loop& loop_;
  std::chrono::milliseconds duration_;
  std::coroutine_handle<> waiter_;
  internal::UniqueEvent timer_;
};

/// What tasks of one loop wait for until another says so; it remembers nothing for later waiters.
/// Waiters are resumed on the loop's next turn, in the order they came.
class Event {
 public:
  explicit Event(Loop& loop);
  ~Event();  ///< A waiter that is left sees its timeout, or its notification if it had one.
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  /// Wakes the longest waiting; if that one is destroyed before it runs, the next.
  void notify_one();
  void notify_all();
  /// `co_await event.wait(timeout)`: true when notified, false at the timeout.
  class Wait;
  [[nodiscard]] Wait wait(std::chrono::milliseconds timeout);

 private:
  friend class Wait;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Event::Wait {
 public:
  Wait(Event& event, std::chrono::milliseconds timeout)
      : event_(event.impl_.get()), timeout_(timeout) {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait();
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter);
  [[nodiscard]] bool await_resume() const noexcept { return notified_; }

 private:
  friend class Event;
  void leave();

  Event::Impl* event_;  // Null when neither waiting nor notified, or the Event is gone.
  std::chrono::milliseconds timeout_;
  std::coroutine_handle<> waiter_;
  internal::UniqueEvent timer_;
  std::list<Wait*>::iterator place_;
  bool queued_ = false;
  bool notified_ = false;
  bool passes_on_ = false;  // Notified alone: the notification must not die with this waiter.
};

/// Turns a callback API into an awaitable: `co_await completion<T>(loop, start)` calls
/// `start(done)` at once; `done(T)` may be called once, from any thread. A result that arrives
/// after the waiting task was destroyed is dropped.
template <typename T>
class Completion {
 public:
  using Done = std::move_only_function<void(T)>;
  using Start = std::move_only_function<void(Done)>;

  Completion(Loop& loop, Start start) : loop_(loop), start_(std::move(start)) {}
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;
  ~Completion() {
    if (shared_) shared_->waiter = {};
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    shared_ = std::make_shared<Shared>();
    shared_->waiter = waiter;
    start_([shared = shared_, &loop = loop_](T value) mutable {
      loop.post([shared = std::move(shared), value = std::move(value)]() mutable {
        if (!shared->waiter) return;
        shared->value.emplace(std::move(value));
        shared->waiter.resume();
      });
    });
  }
  [[nodiscard]] T await_resume() { return std::move(*shared_->value); }

 private:
  // Shared between the frame and the closure on its way: either may die first.
  struct Shared {
    std::coroutine_handle<> waiter;  // Touched on the loop only.
    std::optional<T> value;
  };
  Loop& loop_;
  Start start_;
  std::shared_ptr<Shared> shared_;
};

template <typename T>
[[nodiscard]] Completion<T> completion(Loop& loop, typename Completion<T>::Start start) {
  return Completion<T>(loop, std::move(start));
}

/// Threads for calls that block: key files, crypt(3), RocksDB reads, ldns.
class BlockingPool final : public Executor {
 public:
  explicit BlockingPool(unsigned threads);
  ~BlockingPool() override;  ///< Finishes what is running, drops what waits.
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  void post(Work work) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// `co_await run_on(pool, loop, fn)`: fn() on the pool, its (non-void) result back on the loop.
template <typename Function>
[[nodiscard]] auto run_on(Executor& pool, Loop& loop, Function function) {
  using T = decltype(function());
  return completion<T>(
      loop, [&pool, function = std::move(function)](typename Completion<T>::Done done) mutable {
        pool.post([function = std::move(function), done = std::move(done)]() mutable {
          done(function());
        });
      });
}

/// A loop with a thread of its own.
class LoopThread {
 public:
  explicit LoopThread(const char* name);
  ~LoopThread();  ///< Stops and joins.
  [[nodiscard]] Loop& loop() { return loop_; }

 private:
  Loop loop_;
  std::thread thread_;
};

}  // namespace signet::net
