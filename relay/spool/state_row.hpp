// The row of the state family: a fixed head, then the State message of record.proto.
//
//   row  = version flags due held-since chunks size state
//   version, flags: one octet; due, held-since, size: u64; chunks: u32 (big-endian)
//
// The committer needs only the head (which due entry to delete, how many chunks), so it does not
// parse recipients.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "relay/base/result.hpp"
#include "relay/spool/spool.hpp"

namespace signet::spool {

struct StateHead {
  WallTime due;
  WallTime held_since;
  std::uint32_t body_chunks = 0;
  std::uint64_t body_size = 0;
  bool held = false;
  bool quarantined = false;  ///< Neither due nor counted as held.
};

constexpr std::size_t kStateHeadSize = 30;

[[nodiscard]] std::string encode_head(const StateHead& head);
/// Faults: spool_failed (too short), spool_newer.
[[nodiscard]] Result<StateHead> decode_head(std::string_view row);

/// True when a recipient still waits: queued or held.
[[nodiscard]] bool is_unsettled(const State& state);

/// The State message alone; due and held_since travel in the head.
[[nodiscard]] std::string encode_state(const State& state);
/// A whole row. Faults: spool_failed (damaged), spool_newer.
[[nodiscard]] Result<State> decode_state_row(std::string_view row);

}  // namespace signet::spool
