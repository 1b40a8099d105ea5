#include "relay/admin/queue_text.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "relay/admin/terminal_text.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

std::string sender_of(const json& message) { return "<" + text_of(message, "sender") + ">"; }

bool is_in_delivery(const json& message) { return message.value("in_delivery", false); }

std::string row(const json& message) {
  const bool is_held = text_of(message, "status") == "held";
  const std::string status = is_in_delivery(message) ? "active" : text_of(message, "status");
  const std::string remark =
      is_held ? "held: " + text_of(message, "hold_reason") : text_of(message, "last_reply");
  return fmt::format("{:<11}  {:<6}  {:>5}  {:>9}  {:>5}  {:>4}  {:<32}  {}\n",
                     text_of(message, "id"), status, age_text(number_of(message, "age_seconds")),
                     size_text(static_cast<std::uint64_t>(number_of(message, "size"))),
                     is_held ? "-" : age_text(number_of(message, "due_in_seconds")),
                     text_of(message, "waiting"), sender_of(message), remark);
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
  return table;
}

std::string message_text(const json& message) {
  std::string lines;
  add_line(lines, "id", text_of(message, "id"));
  add_line(lines, "status",
           text_of(message, "status") + (is_in_delivery(message) ? ", in delivery" : ""));
  add_line(lines, "hold reason", text_of(message, "hold_reason"));
  add_line(lines, "held since", text_of(message, "held_since"));
  add_line(lines, "sender", sender_of(message));
  add_line(lines, "author", text_of(message, "author_domain"));
  add_line(lines, "client", text_of(message, "client") + " [" + text_of(message, "peer") + "]");
  add_line(lines, "size", size_text(static_cast<std::uint64_t>(number_of(message, "size"))));
  add_line(lines, "received", text_of(message, "received"));
  add_line(lines, "due", text_of(message, "due"));
  add_line(lines, "expires", text_of(message, "expires"));
  add_line(lines, "attempts", text_of(message, "attempts"));
  if (const auto keys = message.find("signed_by"); keys != message.end()) {
    for (const json& key : *keys) add_line(lines, "signed by", text_of({{"key", key}}, "key"));
  }
  if (const auto recipients = message.find("recipients"); recipients != message.end()) {
    for (const json& one : *recipients) {
      add_line(
          lines, "recipient",
          fmt::format("<{}>  {}  route {}{}  {}", text_of(one, "address"), text_of(one, "status"),
                      text_of(one, "route"), one.contains("rerouted_to") ? " (rerouted)" : "",
                      text_of(one, "last_reply")));
    }
  }
  return lines;
}

std::string until_text(const json& suspension) {
  const std::string until = text_of(suspension, "until");
  return until.empty() ? until : " until " + until;
}

std::string suspensions_text(const json& told) {
  const auto list = told.find("suspensions");
  if (list == told.end() || list->empty()) return "nothing is suspended\n";
  std::string lines;
  for (const json& each : *list) {
    add_line(
        lines, "suspended",
        fmt::format("{} {} since {}{}, by {}{}{}", text_of(each, "kind"), text_of(each, "value"),
                    text_of(each, "since"), until_text(each), text_of(each, "by"),
                    text_of(each, "reason").empty() ? "" : ": ", text_of(each, "reason")));
  }
  return lines;
}

std::string stats_text(const json& stats) {
  std::string lines;
  add_line(lines, "messages", text_of(stats, "messages"));
  add_line(lines, "held", text_of(stats, "held"));
  add_line(lines, "quarantined", text_of(stats, "quarantined"));
  const auto age = [&](const char* key) {
    return stats.contains(key) ? age_text(number_of(stats, key)) : std::string();
  };
  add_line(lines, "oldest", age("oldest_age_seconds"));
  add_line(lines, "oldest held", age("oldest_held_age_seconds"));
  add_line(lines, "disk", size_text(static_cast<std::uint64_t>(number_of(stats, "disk_bytes"))));
  return lines;
}

}  // namespace signet::admin
