#include "relay/align/ways_out.hpp"

#include <gmock/gmock.h>

namespace signet::align {
namespace {

using testing::ElementsAre;

std::vector<std::string> addresses(const WaysOut& ways) {
  std::vector<std::string> texts;
  for (const EgressPoint& point : ways.points) texts.push_back(point.address.to_string());
  return texts;
}

config::PoolSettings pool() {
  return {.name = "default",
          .addresses = {{.bind = *IpAddress::parse("127.0.0.2"),
                         .public_address = *IpAddress::parse("192.0.2.1"),
                         .helo = "mx1.example.com"},
                        {.bind = *IpAddress::parse("::1"),
                         .public_address = *IpAddress::parse("2001:db8::1"),
                         .helo = "mx2.example.com"}}};
}

config::RouteSettings route(config::RouteKind kind) {
  config::RouteSettings made;
  made.kind = kind;
  return made;
}

TEST(WaysOut, are_every_public_address_of_the_pool_once) {
  WaysOut ways;
  const auto addressed = pool();
  add_ways(route(config::RouteKind::mx), &addressed, false, ways);
  add_ways(route(config::RouteKind::mx), &addressed, false, ways);
  EXPECT_THAT(addresses(ways), ElementsAre("192.0.2.1", "2001:db8::1"));
  EXPECT_TRUE(ways.leads_outside);
  EXPECT_FALSE(ways.some_address_unknown);
}

TEST(WaysOut, a_maildir_counts_for_nothing) {
  WaysOut ways;
  const auto addressed = pool();
  add_ways(route(config::RouteKind::maildir), &addressed, false, ways);
  EXPECT_FALSE(ways.leads_outside || ways.some_address_unknown);
  EXPECT_TRUE(ways.points.empty());
}

TEST(WaysOut, of_a_next_hop_not_ours_are_its_spf_addresses) {
  WaysOut ways;
  const auto addressed = pool();
  auto hop = route(config::RouteKind::host);
  add_ways(hop, &addressed, false, ways);
  EXPECT_TRUE(ways.some_address_unknown && ways.points.empty());
  ways = {};
  hop.spf_addresses = {*IpNetwork::parse("198.51.100.4/31"), *IpNetwork::parse("203.0.113.0/24"),
                       *IpNetwork::parse("2001:db8::/64")};
  add_ways(hop, &addressed, false, ways);
  EXPECT_THAT(addresses(ways),
              ElementsAre("198.51.100.4", "198.51.100.5", "203.0.113.0", "203.0.113.255",
                          "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff"));
  EXPECT_FALSE(ways.some_address_unknown);
  ways = {};
  add_ways(hop, &addressed, true, ways);
  EXPECT_TRUE(ways.some_address_unknown && ways.points.empty());
}

TEST(WaysOut, that_the_system_chooses_are_unknown) {
  WaysOut ways;
  add_ways(route(config::RouteKind::mx), nullptr, false, ways);
  EXPECT_TRUE(ways.leads_outside && ways.some_address_unknown);
}

TEST(WaysOut, are_bounded) {
  WaysOut ways;
  auto hop = route(config::RouteKind::host);
  for (int i = 0; i < 40; ++i)
    hop.spf_addresses.push_back(*IpNetwork::parse("10.0." + std::to_string(i) + ".0/24"));
  add_ways(hop, nullptr, false, ways);
  EXPECT_EQ(ways.points.size(), kMaxPoints);
  EXPECT_TRUE(ways.some_address_unknown);
}

}  // namespace
}  // namespace signet::align
