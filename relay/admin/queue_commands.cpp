#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "relay/admin/queue_client.hpp"
#include "relay/admin/queue_text.hpp"
#include "relay/admin/relay_command.hpp"
#include "relay/base/queue_id.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

struct Options {
  RelayPlace place{.command = "queue", .socket = {}};
  std::size_t limit = 100;
  std::string after;
  std::vector<std::string> ids;
  std::string reason;
};

/// The id as the relay writes it; empty after a complaint.
std::string checked_id(const std::string& text) {
  const auto id = QueueId::parse(text);
  if (id) return id->to_string();
  fmt::print(stderr, "signet queue: \"{}\" is not a queue id\n", text);
  return {};
}

int list(const Options& options) {
  std::string target = fmt::format("/v1/queue?limit={}", options.limit);
  if (!options.after.empty()) {
    const std::string after = checked_id(options.after);
    if (after.empty()) return kRefused;
    target += "&after=" + after;
  }
  return ask_and_print(options.place, "GET", target, "", &list_text);
}

int show(const Options& options) {
  const std::string id = checked_id(options.ids.front());
  return id.empty() ? kRefused
                    : ask_and_print(options.place, "GET", "/v1/queue/" + id, "", &message_text);
}

int act(const Options& options, const std::string& action) {
  const std::string body = options.reason.empty() ? "" : json{{"reason", options.reason}}.dump();
  int status = 0;
  for (const std::string& written : options.ids) {
    const std::string id = checked_id(written);
    const auto render = [&](const json&) { return fmt::format("{}: {}\n", id, action); };
    const int one = id.empty() ? kRefused
                               : ask_and_print(options.place, "POST",
                                               "/v1/queue/" + id + "/" + action, body, render);
    if (one == kUnreachable) return one;
    status = std::max(status, one);
  }
  return status;
}

CLI::App* add(CLI::App& queue, const std::shared_ptr<Options>& options, const std::string& name,
              const std::string& words) {
  auto* command = queue.add_subcommand(name, words);
  command->add_option("--config", options->place.config, "Configuration file (names the socket)")
      ->capture_default_str();
  command->add_option("--socket", options->place.socket, "The relay's socket");
  command->add_flag("--json", options->place.as_json, "Print JSON");
  return command;
}

void add_action(CLI::App& queue, const std::shared_ptr<Options>& options, int& status,
                const std::string& name, const std::string& words) {
  auto* command = add(queue, options, name, words);
  command->add_option("id", options->ids, "Queue ids")->required();
  if (name == "hold" || name == "bounce") {
    command->add_option("--reason", options->reason,
                        "Why: shown in the queue, the log and the DSN");
  }
  command->callback([options, &status, name] { status = act(*options, name); });
}

}  // namespace

void add_queue_commands(CLI::App& app, int& status) {
  auto* queue = app.add_subcommand("queue", "Look at and change the queue of the running relay");
  queue->require_subcommand(1);
  auto options = std::make_shared<Options>();  // Shared by the callbacks.
  auto* list = add(*queue, options, "list", "Messages, the oldest first");
  list->add_option("--limit", options->limit, "At most so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  list->add_option("--after", options->after, "Begin after this queue id");
  list->callback([options, &status] { status = admin::list(*options); });
  auto* show = add(*queue, options, "show", "One message, without its content");
  show->add_option("id", options->ids, "Queue id")->required()->expected(1);
  show->callback([options, &status] { status = admin::show(*options); });
  auto* stats = add(*queue, options, "stats", "Counts");
  stats->callback([options, &status] {
    status = ask_and_print(options->place, "GET", "/v1/queue/stats", "", &stats_text);
  });
  add_action(*queue, options, status, "retry", "Try again now");
  add_action(*queue, options, status, "hold", "Keep until released or expired");
  add_action(*queue, options, status, "release", "Send held mail after all");
  add_action(*queue, options, status, "bounce", "Give up, and tell the sender");
}

}  // namespace signet::admin
