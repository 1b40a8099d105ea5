#include "relay/admin/queue_text.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

namespace signet::admin {
namespace {

using nlohmann::json;

/// A member as text, empty when absent. Control characters can't reach the terminal.
std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  std::string value = found->is_string() ? found->get<std::string>() : found->dump();
  for (char& c : value) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return value;
}

std::int64_t number(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

std::string sender_of(const json& message) { return "<" + text(message, "sender") + ">"; }

std::string row(const json& message) {
  const bool is_held = text(message, "status") == "held";
  const std::string remark =
      is_held ? "held: " + text(message, "hold_reason") : text(message, "last_reply");
  return fmt::format("{:<11}  {:<6}  {:>5}  {:>9}  {:>5}  {:>4}  {:<32}  {}\n", text(message, "id"),
                     text(message, "status"), age_text(number(message, "age_seconds")),
                     size_text(static_cast<std::uint64_t>(number(message, "size"))),
                     is_held ? "-" : age_text(number(message, "due_in_seconds")),
                     text(message, "waiting"), sender_of(message), remark);
}

void add_line(std::string& into, std::string_view name, const std::string& value) {
  if (!value.empty()) into += fmt::format("{:<12}  {}\n", name, value);
}

}  // namespace

std::string age_text(std::int64_t seconds) {
  if (seconds < 0) return "-";
  if (seconds < 100) return fmt::format("{}s", seconds);
  if (seconds < 100 * 60) return fmt::format("{}m", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{}h", seconds / 3600);
  return fmt::format("{}d", seconds / 86400);
}

std::string size_text(std::uint64_t octets) {
  constexpr std::array<const char*, 4> kUnits{"KiB", "MiB", "GiB", "TiB"};
  if (octets < 1024) return fmt::format("{} B", octets);
  double size = static_cast<double>(octets) / 1024;
  std::size_t unit = 0;
  while (size >= 1024 && unit + 1 < kUnits.size()) {
    size /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", size, kUnits[unit]);
}

std::string list_text(const json& list) {
  const auto messages = list.find("messages");
  if (messages == list.end() || messages->empty()) return "no message\n";
  std::string table = fmt::format("{:<11}  {:<6}  {:>5}  {:>9}  {:>5}  {:>4}  {:<32}  {}\n", "ID",
                                  "STATUS", "AGE", "SIZE", "DUE", "RCPT", "SENDER", "LAST REPLY");
  for (const json& message : *messages) table += row(message);
  if (const std::string next = text(list, "next"); !next.empty()) {
    table += "more: signet queue list --after " + next + "\n";
  }
  return table;
}

std::string message_text(const json& message) {
  std::string lines;
  add_line(lines, "id", text(message, "id"));
  add_line(lines, "status", text(message, "status"));
  add_line(lines, "hold reason", text(message, "hold_reason"));
  add_line(lines, "held since", text(message, "held_since"));
  add_line(lines, "sender", sender_of(message));
  add_line(lines, "author", text(message, "author_domain"));
  add_line(lines, "client", text(message, "client") + " [" + text(message, "peer") + "]");
  add_line(lines, "size", size_text(static_cast<std::uint64_t>(number(message, "size"))));
  add_line(lines, "received", text(message, "received"));
  add_line(lines, "due", text(message, "due"));
  add_line(lines, "expires", text(message, "expires"));
  add_line(lines, "attempts", text(message, "attempts"));
  if (const auto keys = message.find("signed_by"); keys != message.end()) {
    for (const json& key : *keys) add_line(lines, "signed by", text({{"key", key}}, "key"));
  }
  if (const auto recipients = message.find("recipients"); recipients != message.end()) {
    for (const json& one : *recipients) {
      add_line(lines, "recipient",
               fmt::format("<{}>  {}  route {}  {}", text(one, "address"), text(one, "status"),
                           text(one, "route"), text(one, "last_reply")));
    }
  }
  return lines;
}

std::string stats_text(const json& stats) {
  std::string lines;
  add_line(lines, "messages", text(stats, "messages"));
  add_line(lines, "held", text(stats, "held"));
  add_line(lines, "quarantined", text(stats, "quarantined"));
  const auto age = [&](const char* key) {
    return stats.contains(key) ? age_text(number(stats, key)) : std::string();
  };
  add_line(lines, "oldest", age("oldest_age_seconds"));
  add_line(lines, "oldest held", age("oldest_held_age_seconds"));
  add_line(lines, "disk", size_text(static_cast<std::uint64_t>(number(stats, "disk_bytes"))));
  return lines;
}

}  // namespace signet::admin
