#include <gtest/gtest.h>

#include <map>

#include "relay/route/router.hpp"

namespace signet::route {
namespace {

Domain domain(const char* text) { return *Domain::parse(text); }

TEST(RouteTableTest, exact_domain_then_longest_parent_then_default) {
  config::Settings settings;
  const auto add = [&](const char* name, std::vector<Domain> domains, std::vector<Domain> below,
                       bool is_default) {
    config::RouteSettings route;
    route.name = name;
    route.domains = std::move(domains);
    route.subdomains_of = std::move(below);
    route.is_default = is_default;
    settings.routes.push_back(std::move(route));
  };
  add("default", {}, {}, true);
  add("short", {}, {domain("example")}, false);
  add("long", {}, {domain("b.example"), domain("x")}, false);
  add("exact", {domain("c.b.example")}, {}, false);
  const std::map<std::string, std::string> cases{
      {"c.b.example", "exact"}, {"d.c.b.example", "long"}, {"a.b.example", "long"},
      {"b.example", "short"},   {"example", "default"},    {"other.test", "default"},
      {"bb.example", "short"},  {"a.x", "long"},
  };
  for (const auto& [name, route] : cases) {
    EXPECT_EQ(find_route(settings, domain(name.c_str()))->name, route) << name;
  }
  settings.routes.erase(settings.routes.begin());
  EXPECT_EQ(find_route(settings, domain("other.test")), nullptr);
}

TEST(RouteTableTest, the_pool_is_the_route_s_then_the_client_s_then_the_default) {
  config::Settings settings;
  config::RouteSettings route;
  config::ClientSettings client;
  EXPECT_EQ(choose_pool(settings, route, nullptr), "");
  settings.pools = {{"first", {}}};
  EXPECT_EQ(choose_pool(settings, route, nullptr), "first");
  settings.pools.push_back({"default", {}});
  EXPECT_EQ(choose_pool(settings, route, &client), "default");
  client.pool = "client";
  EXPECT_EQ(choose_pool(settings, route, &client), "client");
  route.pool = "route";
  EXPECT_EQ(choose_pool(settings, route, &client), "route");
}

TEST(EgressTest, addresses_are_chosen_by_weight_within_the_family) {
  const auto address = [](const char* text, unsigned weight) {
    return config::EgressAddress{*IpAddress::parse(text), *IpAddress::parse(text), "h", weight};
  };
  const config::PoolSettings pool{
      "p", {address("192.0.2.1", 1), address("2001:db8::1", 5), address("192.0.2.2", 3)}};
  std::map<std::string, int> chosen;
  for (std::uint64_t random = 0; random < 400; ++random) {
    ++chosen[(*choose_egress(&pool, false, random))->bind.to_string()];
  }
  EXPECT_EQ(chosen, (std::map<std::string, int>{{"192.0.2.1", 100}, {"192.0.2.2", 300}}));
  EXPECT_EQ((*choose_egress(&pool, true, 7))->bind.to_string(), "2001:db8::1");
}

TEST(EgressTest, an_empty_pool_lets_the_system_choose_and_a_missing_family_is_refused) {
  EXPECT_EQ(*choose_egress(nullptr, true, 1), nullptr);
  const config::PoolSettings empty{"p", {}};
  EXPECT_EQ(*choose_egress(&empty, true, 1), nullptr);
  const config::PoolSettings v4{
      "p", {{*IpAddress::parse("192.0.2.1"), *IpAddress::parse("192.0.2.1"), "h", 1}}};
  EXPECT_EQ(choose_egress(&v4, true, 1).error().fault, Fault::address_forbidden);
  const config::PoolSettings unused{
      "p", {{*IpAddress::parse("192.0.2.1"), *IpAddress::parse("192.0.2.1"), "h", 0}}};
  EXPECT_EQ(choose_egress(&unused, false, 1).error().fault, Fault::address_forbidden);
}

TEST(ChooseEgressTest, takes_a_preferred_address_where_there_is_one) {
  const config::PoolSettings pool{
      .name = "default",
      .addresses = {{.bind = *IpAddress::parse("127.0.0.1"), .public_address = {}, .helo = "a"},
                    {.bind = *IpAddress::parse("127.0.0.2"), .public_address = {}, .helo = "b"},
                    {.bind = *IpAddress::parse("::1"), .public_address = {}, .helo = "c"}}};
  const auto prefers = [](const config::EgressAddress& each) { return each.helo != "a"; };
  for (std::uint64_t random = 0; random < 6; ++random) {
    EXPECT_EQ((*choose_egress(&pool, false, random, prefers))->helo, "b");
    EXPECT_EQ((*choose_egress(&pool, true, random, prefers))->helo, "c");
  }
  // None is preferred: any will do.
  const auto nobody = [](const config::EgressAddress&) { return false; };
  EXPECT_EQ((*choose_egress(&pool, false, 0, nobody))->helo, "a");
  EXPECT_EQ((*choose_egress(&pool, false, 1, nobody))->helo, "b");
}

}  // namespace
}  // namespace signet::route
