#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "config/reader.hpp"
#include "relay/admin/queue_client.hpp"
#include "relay/admin/queue_text.hpp"
#include "relay/base/queue_id.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;
using Render = std::function<std::string(const json&)>;

constexpr int kRefused = 1;
constexpr int kUnreachable = 2;

struct Options {
  std::filesystem::path config = "/etc/signet/signet.toml";
  std::filesystem::path socket;
  bool as_json = false;
  std::size_t limit = 100;
  std::string after;
  std::vector<std::string> ids;
  std::string reason;
};

/// `--socket`, or monitoring.socket of the configuration; empty after a complaint.
std::filesystem::path socket_of(const Options& options) {
  if (!options.socket.empty()) return options.socket;
  const config::Loaded loaded = config::load(options.config);
  for (const auto& problem : loaded.problems) fmt::print(stderr, "{}\n", problem.to_string());
  if (loaded.settings) return loaded.settings->monitoring.socket;
  fmt::print(stderr,
             "signet queue: name the configuration with --config or the relay's socket "
             "with --socket\n");
  return {};
}

std::string error_words(const Answer& answer) {
  const json parsed = json::parse(answer.body, nullptr, false);
  const bool has_words =
      parsed.is_object() && parsed.contains("detail") && parsed["detail"].is_string();
  return has_words ? parsed["detail"].get<std::string>()
                   : fmt::format("HTTP status {}", answer.status);
}

/// Asks once and prints; the exit status.
int run(const Options& options, std::string_view method, const std::string& target,
        const std::string& body, const Render& render) {
  const auto socket = socket_of(options);
  if (socket.empty()) return kUnreachable;
  const auto answer = ask(socket, method, target, body);
  if (!answer) {
    fmt::print(stderr, "signet queue: {}\n", answer.error().detail);
    return kUnreachable;
  }
  if (answer->status != 200) {
    fmt::print(stderr, "signet queue: {}\n", error_words(*answer));
    return kRefused;
  }
  const json parsed = json::parse(answer->body, nullptr, false);
  fmt::print("{}", options.as_json || !parsed.is_object() ? answer->body : render(parsed));
  return 0;
}

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
  return run(options, "GET", target, "", &list_text);
}

int show(const Options& options) {
  const std::string id = checked_id(options.ids.front());
  return id.empty() ? kRefused : run(options, "GET", "/v1/queue/" + id, "", &message_text);
}

int act(const Options& options, const std::string& action) {
  const std::string body = options.reason.empty() ? "" : json{{"reason", options.reason}}.dump();
  int status = 0;
  for (const std::string& written : options.ids) {
    const std::string id = checked_id(written);
    const auto render = [&](const json&) { return fmt::format("{}: {}\n", id, action); };
    const int one = id.empty()
                        ? kRefused
                        : run(options, "POST", "/v1/queue/" + id + "/" + action, body, render);
    if (one == kUnreachable) return one;
    status = std::max(status, one);
  }
  return status;
}

CLI::App* add(CLI::App& queue, const std::shared_ptr<Options>& options, const std::string& name,
              const std::string& words) {
  auto* command = queue.add_subcommand(name, words);
  command->add_option("--config", options->config, "Configuration file (names the socket)")
      ->capture_default_str();
  command->add_option("--socket", options->socket, "The relay's socket");
  command->add_flag("--json", options->as_json, "Print JSON");
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
  stats->callback(
      [options, &status] { status = run(*options, "GET", "/v1/queue/stats", "", &stats_text); });
  add_action(*queue, options, status, "retry", "Try again now");
  add_action(*queue, options, status, "hold", "Keep until released or expired");
  add_action(*queue, options, status, "release",
             "Judge held mail again and send it, if it may leave");
  add_action(*queue, options, status, "bounce", "Give up, and tell the sender");
}

}  // namespace signet::admin
