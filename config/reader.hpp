// Reads settings from TOML (only here: toml++) and checks them against each other.
//
// Errors name FILE:LINE:COLUMN and, for an unknown key, the nearest known one. All errors are
// reported, not the first.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"

namespace signet::config {

struct Problem {
  std::string where;  ///< "signet.toml:12:3", or the file alone.
  std::string what;   ///< Says what to do.
  [[nodiscard]] std::string to_string() const { return where + ": " + what; }
};

struct Loaded {
  std::shared_ptr<const Settings> settings;  ///< Null when there are problems.
  std::vector<Problem> problems;
  std::vector<Problem> warnings;
};

[[nodiscard]] Loaded load(const std::filesystem::path& file);
[[nodiscard]] Loaded load_text(std::string_view text, const std::string& file_name);

}  // namespace signet::config
