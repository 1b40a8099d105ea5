#include "relay/admin/route_table.hpp"

#include <algorithm>
#include <optional>

namespace signet::admin {
namespace {

bool is_name(std::string_view part) { return part.starts_with('{'); }

std::string_view take_part(std::string_view& path) {
  path.remove_prefix(1);
  const auto end = std::min(path.find('/'), path.size());
  const std::string_view part = path.substr(0, end);
  path.remove_prefix(end);
  return part;
}

/// What stands for the {names} of `path`; nothing if it is another path.
std::optional<std::vector<std::string>> match(std::string_view path,
                                              const std::vector<std::string>& segments) {
  std::vector<std::string> found;
  for (const std::string& segment : segments) {
    if (path.empty()) return std::nullopt;
    const std::string_view part = take_part(path);
    if (is_name(part)) found.push_back(segment);
    if (!is_name(part) && part != segment) return std::nullopt;
  }
  if (!path.empty()) return std::nullopt;
  return found;
}

}  // namespace

RouteTable::Match RouteTable::find(std::string_view method,
                                   const std::vector<std::string>& segments) const {
  Match best;
  std::optional<std::size_t> fewest_names;
  for (const Route& route : routes_) {
    auto found = match(route.path, segments);
    if (!found || (fewest_names && found->size() > *fewest_names)) continue;
    if (!fewest_names || found->size() < *fewest_names) best = {};
    fewest_names = found->size();
    best.allowed.append(best.allowed.empty() ? "" : ", ").append(route.method);
    if (route.method != method) continue;
    best.route = &route;
    best.segments = std::move(*found);
  }
  return best;
}

}  // namespace signet::admin
