// Answers on their way back: gathered per executor and posted as one closure each.
#pragma once

#include <utility>
#include <vector>

#include "relay/spool/spool.hpp"

namespace signet::spool {

class Completions {
 public:
  void add(Executor* on, Done<void> done, Result<void> result);
  /// Posts everything gathered.
  void post();

 private:
  using Answers = std::vector<std::pair<Done<void>, Result<void>>>;
  std::vector<std::pair<Executor*, Answers>> by_executor_;  ///< Few: one for each loop.
};

}  // namespace signet::spool
