// Is the relay ready for mail? The checks that say so, each in its own words.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace signet::monitoring {

class Health {
 public:
  /// What is wrong, in words for an operator; nothing when all is well. Called on the thread that
  /// asks, so it must not block.
  using Check = std::function<std::optional<std::string>()>;

  /// A later check of the same name replaces the earlier one. Any thread.
  void add(std::string name, Check check);
  /// "name: words" of every check that fails. Any thread.
  [[nodiscard]] std::vector<std::string> not_ready_because() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, Check>> checks_;
};

}  // namespace signet::monitoring
