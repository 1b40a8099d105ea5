// KnownHeads: the heads of messages written since the spool was opened, so that the committer asks
// the database only for older ones.
//
// A fresh message is asked for twice, at its attempt and at its removal, mostly within a second.
// One writer, no lock.
#pragma once

#include <cstddef>
#include <optional>
#include <unordered_map>

#include "relay/spool/state_row.hpp"

namespace signet::spool {

class KnownHeads {
 public:
  [[nodiscard]] const StateHead* find(QueueId id) const {
    const auto found = heads_.find(id);
    return found == heads_.end() ? nullptr : &found->second;
  }
  /// What the database now holds; empty: nothing.
  void set(QueueId id, const std::optional<StateHead>& head) {
    if (!head || (heads_.size() >= kMost && !heads_.contains(id))) {
      heads_.erase(id);
    } else {
      heads_.insert_or_assign(id, *head);
    }
  }

  static constexpr std::size_t kMost = 20000;

 private:
  std::unordered_map<QueueId, StateHead> heads_;
};

}  // namespace signet::spool
