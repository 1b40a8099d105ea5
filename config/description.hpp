// The settings as names and values in text, to be compared and shown. No secret is in it: of a
// password only that there is one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/settings.hpp"

namespace signet::config {

/// "limits.recipients" -> "100", "client apps.domains" -> "example.com, example.org". Durations in
/// seconds or milliseconds, as the name ends.
[[nodiscard]] std::map<std::string, std::string> describe(const Settings& settings);

struct SettingChange {
  std::string name;
  std::string before;  ///< Empty: it was not there.
  std::string after;   ///< Empty: it is gone.
  friend bool operator==(const SettingChange&, const SettingChange&) = default;
};
/// By name.
[[nodiscard]] std::vector<SettingChange> compare(const std::map<std::string, std::string>& before,
                                                 const std::map<std::string, std::string>& after);

}  // namespace signet::config
