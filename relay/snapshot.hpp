// Makes generations of the configuration: reads what the settings point to, at start and at reload.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "relay/services.hpp"

namespace signet {

/// Reads certificates, trust stores and tokens of `settings`. Fault: configuration.
[[nodiscard]] Result<Snapshot> make_snapshot(std::shared_ptr<const config::Settings> settings);

/// A generation to take the place of one that was started with `at_start`: its listeners go on, so
/// what they need must be there still. Blocks; problems are logged. Fault: configuration.
[[nodiscard]] Result<Snapshot> load_snapshot(const std::filesystem::path& file,
                                             const config::Settings& at_start);

/// Why a reload without a certificate is refused while that listener speaks TLS.
[[nodiscard]] std::string needs_certificate(std::string_view listener);

/// Names of settings that differ and count only at a restart.
[[nodiscard]] std::vector<std::string> fixed_at_start(const config::Settings& at_start,
                                                      const config::Settings& now);

/// True if a setting, by its name in config::describe(), counts only at a restart.
[[nodiscard]] bool is_fixed_at_start(std::string_view setting);

/// What is wrong with the files `settings` name (certificates, passwords, trust anchors): one line
/// each.
[[nodiscard]] std::vector<std::string> unusable_files(
    std::shared_ptr<const config::Settings> settings);

}  // namespace signet
