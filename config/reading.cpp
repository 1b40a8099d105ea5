#include "config/reading.hpp"

#include <algorithm>
#include <system_error>
#include <tuple>

namespace signet::config {
namespace {

constexpr std::size_t kMaxName = 64;

/// Names become metric labels and words in logs.
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMaxName &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

/// Absolute also for a file of the working directory, so that no path depends on how it is named.
std::filesystem::path directory_of(const std::string& file) {
  std::error_code error;
  const auto whole = std::filesystem::absolute(file, error);
  return (error ? std::filesystem::path(file) : whole).parent_path();
}

}  // namespace

Reading::Reading(std::string file_name)
    : file_name_(std::move(file_name)), directory_(directory_of(file_name_)) {}

void Reading::problem(Position where, std::string what) {
  problems_.push_back({where, std::move(what)});
}

void Reading::warning(Position where, std::string what) {
  warnings_.push_back({where, std::move(what)});
}

void Reading::run_checks(const Settings& settings) {
  for (const Check& check : checks_) check(settings);
}

void Reading::take_name(std::string_view kind, const std::string& name, Position where) {
  if (!is_name(name)) {
    problem(where, "a name is 1 to 64 printable ASCII characters without a space");
    return;
  }
  const std::string label = std::string(kind) + " " + name;
  const auto [place, is_new] = names_.emplace(label, where);
  if (is_new) return;
  problem(where, "the name '" + name + "' is taken by the " + std::string(kind) + " of line " +
                     std::to_string(place->second.line));
}

std::filesystem::path Reading::resolve(std::string_view path) const {
  return std::filesystem::path(path).is_absolute() ? std::filesystem::path(path)
                                                   : directory_ / path;
}

Loaded Reading::finish() && {
  return {nullptr, sorted(std::move(problems_)), sorted(std::move(warnings_))};
}

std::vector<Problem> Reading::sorted(std::vector<Found> found) const {
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return std::tie(a.where.line, a.where.column, a.what) <
           std::tie(b.where.line, b.where.column, b.what);
  });
  std::vector<Problem> problems;
  for (Found& one : found) {
    std::string where = file_name_;
    if (one.where.line != 0) {
      where += ":" + std::to_string(one.where.line) + ":" + std::to_string(one.where.column);
    }
    problems.push_back({std::move(where), std::move(one.what)});
  }
  return problems;
}

}  // namespace signet::config
