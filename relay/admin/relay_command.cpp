#include "relay/admin/relay_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "config/reader.hpp"
#include "relay/admin/explanations.hpp"
#include "relay/admin/queue_client.hpp"
#include "relay/admin/terminal.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

std::string error_words(const Answer& answer) {
  const json parsed = json::parse(answer.body, nullptr, false);
  const bool has_words =
      parsed.is_object() && parsed.contains("detail") && parsed["detail"].is_string();
  return has_words ? parsed["detail"].get<std::string>()
                   : fmt::format("HTTP status {}", answer.status);
}

}  // namespace

std::filesystem::path socket_of(const RelayPlace& place) {
  if (!place.socket.empty()) return place.socket;
  const config::Loaded loaded = config::load(place.config);
  for (const auto& problem : loaded.problems) fmt::print(stderr, "{}\n", problem.to_string());
  if (loaded.settings) return loaded.settings->monitoring.socket;
  std::error_code error;
  fmt::print(stderr, "signet {}: {} the relay's socket with --socket\n", place.command,
             std::filesystem::exists(place.config, error)
                 ? "this configuration does not tell where the relay is: mend it, or name"
                 : "name the configuration with --config or");
  return {};
}

void add_place(CLI::App& command, RelayPlace& place) {
  command.add_option("--config", place.config, "Configuration file (names the socket)")
      ->capture_default_str();
  command.add_option("--socket", place.socket, "The relay's socket");
  command.add_flag("--json", place.as_json, "Print JSON");
}

Result<json> ask_relay(const RelayPlace& place, std::string_view method, const std::string& target,
                       const std::string& body) {
  const auto socket = socket_of(place);
  if (socket.empty()) return fail(Fault::connect_failed);
  auto answer = ask(socket, method, target, body);
  json parsed;
  if (answer) parsed = json::parse(answer->body, nullptr, false);
  if (answer && answer->status == 200 && parsed.is_object()) return parsed;
  const std::string words = answer ? error_words(*answer) : answer.error().detail;
  fmt::print(stderr, "signet {}: {}\n", place.command, words);
  return fail(answer ? Fault::bad_parameter : Fault::connect_failed, words);
}

int status_of(const Error& error) {
  return error.fault == Fault::connect_failed ? kUnreachable : kRefused;
}

int ask_and_print(const RelayPlace& place, std::string_view method, const std::string& target,
                  const std::string& body, const Render& render, const json* more) {
  auto told = ask_relay(place, method, target, body);
  if (!told) return status_of(told.error());
  if (!place.as_json) {
    fmt::print("{}", fit(render(*told), columns_of(STDOUT_FILENO)));
    return 0;
  }
  if (more != nullptr) told->update(*more);
  fmt::print("{}\n", told->dump(-1, ' ', false, json::error_handler_t::replace));
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
