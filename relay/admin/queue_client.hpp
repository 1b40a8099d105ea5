// `signet queue …`: asks the running relay through its Unix socket and prints the answer.
//
// Blocking; for the command line only.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include "relay/base/result.hpp"

namespace CLI {
class App;
}

namespace signet::admin {

struct Answer {
  int status = 0;    ///< Of HTTP.
  std::string body;  ///< JSON.
};

/// One request; `patience` is for each step of it. Faults: connect_failed (the detail says what to
/// do), peer_protocol, timed_out.
[[nodiscard]] Result<Answer> ask(const std::filesystem::path& socket, std::string_view method,
                                 std::string_view target, std::string_view body,
                                 std::chrono::seconds patience = std::chrono::seconds(60));

/// Adds `queue list | show | retry | hold | release | bounce | suspend | resume | suspensions |
/// stats`. `status` becomes 0: done; 1: not found or refused; 2: the relay can't be reached.
void add_queue_commands(CLI::App& app, int& status);

}  // namespace signet::admin
