#include "relay/admin/relay_command.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "config/reader.hpp"
#include "relay/admin/explanations.hpp"
#include "relay/admin/queue_client.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

/// `--socket`, or monitoring.socket of the configuration; empty after a complaint.
std::filesystem::path socket_of(const RelayPlace& place) {
  if (!place.socket.empty()) return place.socket;
  const config::Loaded loaded = config::load(place.config);
  for (const auto& problem : loaded.problems) fmt::print(stderr, "{}\n", problem.to_string());
  if (loaded.settings) return loaded.settings->monitoring.socket;
  fmt::print(stderr,
             "signet {}: name the configuration with --config or the relay's socket "
             "with --socket\n",
             place.command);
  return {};
}

std::string error_words(const Answer& answer) {
  const json parsed = json::parse(answer.body, nullptr, false);
  const bool has_words =
      parsed.is_object() && parsed.contains("detail") && parsed["detail"].is_string();
  return has_words ? parsed["detail"].get<std::string>()
                   : fmt::format("HTTP status {}", answer.status);
}

}  // namespace

int ask_and_print(const RelayPlace& place, std::string_view method, const std::string& target,
                  const std::string& body, const Render& render) {
  const auto socket = socket_of(place);
  if (socket.empty()) return kUnreachable;
  const auto answer = ask(socket, method, target, body);
  if (!answer) {
    fmt::print(stderr, "signet {}: {}\n", place.command, answer.error().detail);
    return kUnreachable;
  }
  if (answer->status != 200) {
    fmt::print(stderr, "signet {}: {}\n", place.command, error_words(*answer));
    return kRefused;
  }
  const json parsed = json::parse(answer->body, nullptr, false);
  fmt::print("{}", place.as_json || !parsed.is_object() ? answer->body : render(parsed));
  return 0;
}

int explain_message(const RelayPlace& place, const std::string& id) {
  const auto parsed = QueueId::parse(id);
  if (!parsed) {
    fmt::print(stderr, "signet explain: \"{}\" is not a queue id\n", id);
    return kRefused;
  }
  return ask_and_print(place, "GET", "/v1/queue/" + parsed->to_string() + "/explanation", "",
                       &explanation_text);
}

}  // namespace signet::admin
