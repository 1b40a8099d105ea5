// `signet drain` and `signet reload`: orders to the relay as a whole.
#include "relay/admin/control_commands.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "relay/admin/relay_command.hpp"
#include "relay/admin/terminal_text.hpp"

namespace signet::admin {

using nlohmann::json;

void add_drain_command(CLI::App& app, int& status) {
  struct DrainOptions {
    RelayPlace place{.command = "drain", .socket = {}};
    bool ends = false;
  };
  auto* command = app.add_subcommand(
      "drain", "For maintenance: accept no more mail (421) and deliver what is there");
  auto options = std::make_shared<DrainOptions>();
  add_place(*command, options->place);
  command->add_flag("--end", options->ends, "Accept mail again");
  command->callback([options, &status] {
    const json body{{"draining", !options->ends}};
    status =
        ask_and_print(options->place, "POST", "/v1/maintenance", body.dump(), [](const json& told) {
          return fmt::format(
              "{}: {} connections, {} messages in the queue, {} "
              "of them held\n",
              told["draining"].get<bool>() ? "draining" : "accepting", text_of(told, "connections"),
              text_of(told, "messages"), text_of(told, "held"));
        });
  });
}

void add_reload_command(CLI::App& app, int& status) {
  auto* command = app.add_subcommand(
      "reload", "Have the relay read its configuration again, and hear what came of it");
  auto place = std::make_shared<RelayPlace>(RelayPlace{.command = "reload", .socket = {}});
  add_place(*command, *place);
  command->callback([place, &status] {
    place->socket = socket_of(*place);
    if (place->socket.empty()) {  // What can't be read here the relay would not take either.
      std::error_code error;
      status = std::filesystem::exists(place->config, error) ? kRefused : kUnreachable;
      return;
    }
    status = ask_and_print(*place, "POST", "/v1/config/reload", "", [](const json& told) {
      std::string text =
          fmt::format("reloaded: generation {} is in force\n", text_of(told, "generation"));
      for (const json& name : told["restart_needed"])
        text += fmt::format("{} counts only at a restart\n", name.get<std::string>());
      return text;
    });
  });
}

}  // namespace signet::admin
