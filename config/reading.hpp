// What one reading of a file gathers: problems, warnings, the keys it asked for, later checks.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "config/reader.hpp"
#include "config/settings.hpp"

namespace signet::config {

class Reading {
 public:
  using Check = std::function<void(const Settings&)>;

  explicit Reading(std::string file_name);

  void problem(Position where, std::string what);
  void warning(Position where, std::string what);
  /// Runs `check` when all sections are read: for what depends on another section.
  void check_later(Check check) { checks_.push_back(std::move(check)); }
  void run_checks(const Settings& settings);
  /// A name of its kind ("client"): printable, short, used once.
  void take_name(std::string_view kind, const std::string& name, Position where);
  /// A path as written, from the folder of the configuration file.
  [[nodiscard]] std::filesystem::path resolve(std::string_view path) const;

  /// Notes that a reader asks for `path`, such as "listen.address".
  void know(std::string path) { known_.insert(std::move(path)); }
  [[nodiscard]] const std::set<std::string, std::less<>>& known() const { return known_; }

  /// What was found, in the order of the file. Without settings.
  [[nodiscard]] Loaded finish() &&;

 private:
  struct Found {
    Position where;
    std::string what;
  };
  [[nodiscard]] std::vector<Problem> sorted(std::vector<Found> found) const;

  std::string file_name_;
  std::filesystem::path directory_;
  std::vector<Found> problems_;
  std::vector<Found> warnings_;
  std::vector<Check> checks_;
  std::map<std::string, Position, std::less<>> names_;  // "client apps"
  std::set<std::string, std::less<>> known_;
};

/// Fills `settings` from a document. Everything that is wrong is told to `reading`.
void read_settings(Reading& reading, const Table& root, Settings& settings);

}  // namespace signet::config
