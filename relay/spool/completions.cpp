#include "relay/spool/completions.hpp"

#include <algorithm>

namespace signet::spool {

void Completions::add(Executor* on, Done<void> done, Result<void> result) {
  if (on == nullptr || !done) return;
  auto place = std::ranges::find(by_executor_, on, [](const auto& entry) { return entry.first; });
  if (place == by_executor_.end()) place = by_executor_.insert(place, {on, Answers()});
  place->second.emplace_back(std::move(done), std::move(result));
}

void Completions::post() {
  for (auto& [on, answers] : by_executor_) {
    on->post([mine = std::move(answers)]() mutable {
      for (auto& [done, result] : mine) done(std::move(result));
    });
  }
  by_executor_.clear();
}

}  // namespace signet::spool
