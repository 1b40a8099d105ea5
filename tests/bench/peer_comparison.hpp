// The relay beside other mail servers that sign: messages per CPU second on the same messages, from
// the same generator to the same sink, one after the other in one run.
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace signet::bench {

struct PeerComparison {
  /// One size of message.
  struct Case {
    std::string name;
    std::string message;
    std::size_t count = 0;  ///< Messages measured, after a warm-up.
  };

  std::filesystem::path relay;   ///< The program.
  std::filesystem::path folder;  ///< For the peers; they must be able to traverse its parents.
  std::filesystem::path key;     ///< RSA-2048, PEM.
  std::vector<Case> cases;
  /// Writes the relay's configuration for a sink's port and a name for its spool.
  std::function<std::filesystem::path(std::uint16_t, const std::string&)> write_config;
};

struct PeerResult {
  nlohmann::json figures = nlohmann::json::object();  ///< relay_vs_*; without those not measured.
  nlohmann::json raw = nlohmann::json::object();      ///< One row for each case and server.
};

[[nodiscard]] PeerResult compare_with_peers(const PeerComparison& comparison);

}  // namespace signet::bench
