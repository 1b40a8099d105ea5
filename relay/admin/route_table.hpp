// Routes: which method on which path leads to which handler, and what the request may hold.
//
// The table is what openapi.json describes; a test compares the two.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/admin/call.hpp"

namespace signet::admin {

struct Route {
  std::string_view method;
  std::string_view path;  ///< "/v1/queue/{id}/retry": a {name} stands for one segment.
  Scope scope = Scope::read;
  std::vector<std::string_view> parameters = {};  ///< Of the query; others are refused.
  std::vector<Member> members = {};               ///< Of the body; others are refused.
  std::function<void(Call)> handler = {};         ///< Called on the admin loop.
};

class RouteTable {
 public:
  /// The views in `route` outlive the table.
  void add(Route route) { routes_.push_back(std::move(route)); }
  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

  struct Match {
    const Route* route = nullptr;       ///< Null: nothing here answers to this method.
    std::vector<std::string> segments;  ///< What stood for the {names}.
    std::string allowed;                ///< Methods of the path, for Allow; empty: no such path.
  };
  /// A path with a literal segment goes before one with a {name}.
  [[nodiscard]] Match find(std::string_view method, const std::vector<std::string>& segments) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace signet::admin
