// `signet check --against-running`: what a new configuration would change in the relay that runs.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "config/description.hpp"
#include "relay/admin/relay_command.hpp"
#include "relay/commands.hpp"
#include "relay/snapshot.hpp"

namespace signet::commands {
namespace {

using nlohmann::json;

json to_json(const config::SettingChange& change) {
  return {{"setting", change.name},
          {"running", change.before},
          {"new", change.after},
          {"counts_at", is_fixed_at_start(change.name) ? "restart" : "reload"}};
}

void print(const config::SettingChange& change) {
  std::printf("%s: %s -> %s%s\n", change.name.c_str(),
              change.before.empty() ? "(not there)" : change.before.c_str(),
              change.after.empty() ? "(gone)" : change.after.c_str(),
              is_fixed_at_start(change.name) ? " (counts at a restart)" : "");
}

}  // namespace

int compare_with_running(const std::filesystem::path& config, const std::filesystem::path& socket,
                         bool as_json) {
  const auto settings = load_or_complain(config);
  if (!settings) return 2;
  const admin::RelayPlace place{.command = "check", .config = config, .socket = socket};
  const auto running = admin::ask_relay(place, "GET", "/v1/config/settings", "");
  if (!running) return 2;
  const auto before = (*running)["settings"].get<std::map<std::string, std::string>>();
  const auto changes = config::compare(before, config::describe(*settings));
  if (as_json) {
    json list = json::array();
    for (const auto& change : changes) list.push_back(to_json(change));
    std::printf("%s\n", json{{"changes", std::move(list)}}.dump().c_str());
    return 0;
  }
  for (const auto& change : changes) print(change);
  if (changes.empty()) std::printf("nothing would change\n");
  return 0;
}

}  // namespace signet::commands
