// One question to the running relay from the command line, and its answer printed.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "relay/base/result.hpp"

namespace CLI {
class App;
}

namespace signet::admin {

constexpr int kRefused = 1;      ///< Exit status: not found, or refused.
constexpr int kUnreachable = 2;  ///< Exit status: the relay can't be reached.

/// Where the relay is, and how to print.
struct RelayPlace {
  std::string command;  ///< For messages: "queue".
  std::filesystem::path config = "/etc/signet/signet.toml";
  std::filesystem::path socket;  ///< Empty: monitoring.socket of the configuration.
  bool as_json = false;
};

/// `--socket`, or monitoring.socket of the configuration; empty after a complaint.
[[nodiscard]] std::filesystem::path socket_of(const RelayPlace& place);

/// Adds --config, --socket and --json.
void add_place(CLI::App& command, RelayPlace& place);

using Render = std::function<std::string(const nlohmann::json&)>;

/// The answer, an object. What goes wrong is told on standard error. Faults: connect_failed (the
/// relay can't be reached), any other (it refused).
[[nodiscard]] Result<nlohmann::json> ask_relay(const RelayPlace& place, std::string_view method,
                                               const std::string& target, const std::string& body);

/// The exit status for what ask_relay() says.
[[nodiscard]] int status_of(const Error& error);

/// Asks once and prints what `render` makes of the answer, or the JSON with the members of `more`;
/// the exit status.
int ask_and_print(const RelayPlace& place, std::string_view method, const std::string& target,
                  const std::string& body, const Render& render, const nlohmann::json* more = {});

/// `signet explain QUEUE-ID`.
int explain_message(const RelayPlace& place, const std::string& id);

}  // namespace signet::admin
