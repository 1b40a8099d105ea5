// What callers hand to the committer: already encoded, so that the committer only copies bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "relay/spool/spool.hpp"
#include "relay/spool/state_row.hpp"

namespace signet::spool {

struct PutChunk {
  std::uint32_t index = 0;
  std::string bytes;
};
struct DropChunks {
  std::uint32_t count = 0;
};
struct StoreMessage {
  std::string record;
  std::string state;
  StateHead head;
  std::shared_ptr<const std::string> body;  ///< Empty: none, or in chunks.
};
struct RecordAttempt {
  std::string attempt;
};
struct UpdateState {
  std::string state;
  StateHead head;  ///< Body fields and quarantine are taken from the stored row.
  bool settled = false;
  Attempts attempts = Attempts::over;
};
struct RemoveMessage {};

struct Request {
  QueueId id;
  std::variant<PutChunk, DropChunks, StoreMessage, RecordAttempt, UpdateState, RemoveMessage> what;
  Executor* on = nullptr;  ///< Null: nobody waits.
  Done<void> done;

  [[nodiscard]] bool needs_sync() const { return std::holds_alternative<StoreMessage>(what); }
  [[nodiscard]] std::size_t bytes() const;
};

}  // namespace signet::spool
