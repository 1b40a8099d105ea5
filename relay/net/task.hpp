// Task<T>: a lazily started coroutine with one owner; destroying it cancels whatever it waits for.
//
// A Task runs on the loop that first resumes it and never leaves it. Awaiting one starts it; its
// frame dies with the Task object, and every awaitable in it unregisters itself in its destructor.
// Rules: parameters by value or outliving the task, no capturing lambda as a coroutine, one
// co_await a statement. TaskScope owns the tasks nobody awaits.
#pragma once

#include <coroutine>
#include <cstdlib>
#include <exception>
#include <optional>
#include <unordered_set>
#include <utility>

#include "relay/net/frame_memory.hpp"

namespace signet::net {

template <typename T = void>
class Task;

namespace internal {

struct PromiseBase {
  struct Final {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      const auto next = self.promise().waiter;
      return next ? next : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };
  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] Final final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception = std::current_exception(); }
  static void* operator new(std::size_t size) { return FrameMemory::allocate(size); }
  static void operator delete(void* frame, std::size_t size) noexcept {
    FrameMemory::release(frame, size);
  }

  std::coroutine_handle<> waiter;
  std::exception_ptr exception;
};

template <typename T>
struct Promise : PromiseBase {
  Task<T> get_return_object() noexcept;
  template <typename U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (exception) std::rethrow_exception(exception);
    return std::move(*value);
  }
  std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const {
    if (exception) std::rethrow_exception(exception);
  }
};

}  // namespace internal

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::Promise<T>;

  Task() = default;
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }

  auto operator co_await() && noexcept {
    struct Awaiter {
      std::coroutine_handle<promise_type> frame;
      [[nodiscard]] bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) const noexcept {
        frame.promise().waiter = waiter;
        return frame;
      }
      T await_resume() const { return frame.promise().take(); }
    };
    return Awaiter{frame_};
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  std::coroutine_handle<promise_type> frame_;
};

template <typename T>
Task<T> internal::Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> internal::Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

/// Owns tasks that run by themselves. Destroying the scope destroys (cancels) those still running;
/// never do that from inside one of them. Used on one loop only.
class TaskScope {
 public:
  TaskScope() = default;
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;
  ~TaskScope() { clear(); }

  /// Starts `task` at once, on the caller's stack, up to its first wait. An exception that leaves
  /// it ends the program: a session catches its own.
  void spawn(Task<void> task) {
    auto root = run(*this, std::move(task));
    running_.insert(root.frame.address());
    root.frame.resume();
  }
  [[nodiscard]] std::size_t size() const { return running_.size(); }
  void clear() {
    while (!running_.empty()) {
      const auto frame = std::coroutine_handle<>::from_address(*running_.begin());
      running_.erase(running_.begin());
      frame.destroy();
    }
  }

 private:
  struct Root {
    struct promise_type {
      TaskScope& scope;
      promise_type(TaskScope& owner, Task<void>&) : scope(owner) {}
      Root get_return_object() {
        return Root{std::coroutine_handle<promise_type>::from_promise(*this)};
      }
      [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
      auto final_suspend() const noexcept {
        struct Leave {
          [[nodiscard]] bool await_ready() const noexcept { return false; }
          void await_suspend(std::coroutine_handle<promise_type> self) const noexcept {
            self.promise().scope.running_.erase(self.address());
            self.destroy();
          }
          void await_resume() const noexcept {}
        };
        return Leave{};
      }
      void return_void() const noexcept {}
      [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
    };
    std::coroutine_handle<promise_type> frame;
  };
  static Root run(TaskScope&, Task<void> task) { co_await std::move(task); }

  std::unordered_set<void*> running_;
};

}  // namespace signet::net
