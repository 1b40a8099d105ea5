// `signet drain`, `signet reload` and `signet top`, which ask the running relay through its Unix
// socket.
#pragma once

namespace CLI {
class App;
}

namespace signet::admin {

/// Each adds its command. `status` becomes 0: done; 1: refused; 2: the relay can't be reached.
void add_drain_command(CLI::App& app, int& status);
void add_reload_command(CLI::App& app, int& status);
void add_top_command(CLI::App& app, int& status);

}  // namespace signet::admin
