#include "relay/spool/layout.hpp"

#include <algorithm>

namespace signet::spool {
namespace {

template <typename Unsigned>
void append_big_endian(std::string& out, Unsigned value) {
  for (unsigned shift = 8 * sizeof(Unsigned); shift != 0;) {
    shift -= 8;
    out.push_back(static_cast<char>(value >> shift & 0xFFU));
  }
}

template <typename Unsigned>
Unsigned read_big_endian(std::string_view octets) {
  Unsigned value = 0;
  for (char c : octets.substr(0, sizeof(Unsigned))) {
    value = value << 8U | static_cast<unsigned char>(c);
  }
  return value;
}

}  // namespace

void append_u32(std::string& out, std::uint32_t value) { append_big_endian(out, value); }
void append_u64(std::string& out, std::uint64_t value) { append_big_endian(out, value); }
std::uint32_t read_u32(std::string_view octets) { return read_big_endian<std::uint32_t>(octets); }
std::uint64_t read_u64(std::string_view octets) { return read_big_endian<std::uint64_t>(octets); }

std::uint64_t to_octet_time(WallTime time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.time_since_epoch().count()));
}

WallTime from_octet_time(std::uint64_t time) {
  return WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(time)));
}

std::string id_key(QueueId id) {
  std::string key;
  append_u64(key, id.value);
  return key;
}

std::string chunk_key(QueueId id, std::uint32_t index) {
  std::string key = id_key(id);
  append_u32(key, index);
  return key;
}

std::string due_key(Entry entry) {
  std::string key;
  key.reserve(16);
  append_u64(key, to_octet_time(entry.due));
  append_u64(key, entry.id.value);
  return key;
}

std::string mark_key(Mark mark, QueueId id) {
  std::string key(1, static_cast<char>(mark));
  append_u64(key, id.value);
  return key;
}

std::string held_key(Entry entry) {
  return std::string(1, static_cast<char>(Mark::held)) + due_key(entry);
}

std::optional<QueueId> parse_id(std::string_view key) {
  if (key.size() < 8) return std::nullopt;
  return QueueId{read_u64(key)};
}

std::optional<Entry> parse_due(std::string_view key) {
  if (key.size() != 16) return std::nullopt;
  return Entry{from_octet_time(read_u64(key)), QueueId{read_u64(key.substr(8))}};
}

}  // namespace signet::spool
