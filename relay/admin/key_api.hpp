// /v1/keys: the verbs of `signet keys`. /v1/domains: what signs for whom.
#pragma once

#include "relay/admin/key_control.hpp"
#include "relay/admin/route_table.hpp"
#include "relay/base/executor.hpp"

namespace signet::admin {

class KeyApi {
 public:
  /// The control is called on the pools only: orders, which wait for the DNS, on their own. All
  /// outlive the API and its last call.
  KeyApi(KeyControl& control, Executor& reads, Executor& orders)
      : control_(control), reads_(reads), orders_(orders) {}

  void add_routes(RouteTable& table);

 private:
  using Describe = Result<nlohmann::json> (KeyControl::*)(const Domain&);
  void list(Call call, Describe describe);
  void answer_list(Call call, const std::string& after, std::size_t limit, Describe describe);
  void show(Call call, Describe describe);
  void obey(Call call, KeyVerb verb);
  void add_order(RouteTable& table, std::string_view path, KeyVerb verb,
                 std::vector<Member> members = {});

  KeyControl& control_;
  Executor& reads_;
  Executor& orders_;
};

}  // namespace signet::admin
