// What a million of something costs: deferred messages in the spool, domains in the store.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace signet::bench {

struct MillionPlan {
  std::filesystem::path program;    ///< signet
  std::filesystem::path directory;  ///< Scratch; its domains/bench.example has a key.
  std::uint64_t count = 1'000'000;
  /// Writes a configuration with its spool at directory/`spool`, and says where it is.
  std::function<std::filesystem::path(std::uint16_t sink_port, const std::string& spool,
                                      const std::string& store, const std::string& domains)>
      write_config;
  std::function<void(const std::string& name, double value, const std::string& budget)> figure;
};

/// A store directory/`name` of `count` domains d0.example, … that all have the key of
/// bench.example.
[[nodiscard]] std::filesystem::path make_domains(const MillionPlan& plan, const std::string& name,
                                                 std::uint64_t count);
/// A message of 4 KiB with an author at `domain`.
[[nodiscard]] std::string message_from(const std::string& domain);

/// deferred_million_rss_mb, deferred_accept_ratio, deferred_ready_s. Returns the raw counts.
[[nodiscard]] nlohmann::json deferred_million(const MillionPlan& plan);

/// domains_million_start_s, domains_million_rss_mb. Returns the raw counts.
[[nodiscard]] nlohmann::json domains_million(const MillionPlan& plan);

}  // namespace signet::bench
