// Where what is kept: the column families of the store and their keys.
//
//   record  id                      -> Message (record.proto)
//   state   id                      -> head State (state_row.hpp)
//   body    id | id index           -> the inline body, or one chunk
//   due     time id                 -> ""
//   mark    "a" id                  -> Attempt: begun, no outcome yet
//           "h" time id             -> "": held since time
//           "l"                     -> "": put anew by each write, as its last row
//           "p" id                  -> "": chunks whose message is not stored yet
//           "q" id                  -> "": in quarantine
//
// id and time are 64 bits, index 32, all big-endian, so that byte order is order. Time is
// milliseconds since 1970. A key of record, body and due is put once before it is deleted once:
// that is what lets RocksDB's SingleDelete wipe out both in a flush.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "relay/spool/spool.hpp"

namespace signet::spool {

constexpr std::uint32_t kFormat = 1;  ///< Of the layout and of the records.

enum class Column : std::uint8_t { record, state, body, due, mark };
constexpr std::array<std::string_view, 5> kColumnNames{"default", "state", "body", "due", "mark"};

enum class Mark : char { attempt = 'a', held = 'h', last = 'l', pending = 'p', quarantined = 'q' };

void append_u32(std::string& out, std::uint32_t value);
void append_u64(std::string& out, std::uint64_t value);
/// Reads from the front of `octets`, which must hold enough.
[[nodiscard]] std::uint32_t read_u32(std::string_view octets);
[[nodiscard]] std::uint64_t read_u64(std::string_view octets);

/// Times before 1970 count as 1970.
[[nodiscard]] std::uint64_t to_octet_time(WallTime time);
[[nodiscard]] WallTime from_octet_time(std::uint64_t time);

[[nodiscard]] std::string id_key(QueueId id);
[[nodiscard]] std::string chunk_key(QueueId id, std::uint32_t index);
[[nodiscard]] std::string due_key(Entry entry);
[[nodiscard]] std::string mark_key(Mark mark, QueueId id);
[[nodiscard]] std::string held_key(Entry entry);

/// The first 8 octets as an id; nothing if there are fewer.
[[nodiscard]] std::optional<QueueId> parse_id(std::string_view key);
[[nodiscard]] std::optional<Entry> parse_due(std::string_view key);

/// Order of the due index.
[[nodiscard]] constexpr bool is_before(const Entry& a, const Entry& b) {
  return a.due != b.due ? a.due < b.due : a.id < b.id;
}

}  // namespace signet::spool
