// Somewhere to run a closure: a loop, or a pool of threads that may block.
#pragma once

#include <functional>

namespace signet {

class Executor {
 public:
  using Work = std::move_only_function<void()>;
  virtual ~Executor() = default;
  /// Runs `work` once, later, on the executor's own thread. Callable from any thread; never blocks.
  /// Work posted to an executor that is ending is destroyed without being run.
  virtual void post(Work work) = 0;
};

}  // namespace signet
