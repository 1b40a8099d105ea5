#include "keys/canary_tally.hpp"

#include <gtest/gtest.h>

namespace signet::keys {
namespace {

using enum KeyState;

const WallTime kStart(std::chrono::seconds(1'795'000'000));
const Domain kDomain = std::move(*Domain::parse("a.example"));

KeySet on_trial(WallTime since) {
  return {{.selector = "s0", .state = active},
          {.selector = "s1", .state = canary, .share = 1, .moves = {{canary, since, "", ""}}},
          {.selector = "old", .state = retiring}};
}

TEST(CanaryTallyTest, counts_the_keys_that_sign_while_one_is_on_trial) {
  CanaryTally tally;
  tally.count({"s0._domainkey.a.example"}, false);
  EXPECT_TRUE(tally.of(kDomain).empty());
  tally.watch(kDomain, on_trial(kStart));
  tally.count({"s0._domainkey.a.example", "p._domainkey.platform.example"}, false);
  tally.count({"s1._domainkey.a.example"}, true);
  tally.count({"old._domainkey.a.example", "s1._domainkey.b.example", "nonsense"}, true);
  EXPECT_EQ(tally.of(kDomain), (Tallies{{"s0", {1, 0}}, {"s1", {0, 1}}}));
}

TEST(CanaryTallyTest, begins_at_zero_at_each_stage_and_stops_at_the_end) {
  CanaryTally tally;
  tally.watch(kDomain, on_trial(kStart));
  tally.count({"s1._domainkey.a.example"}, false);
  tally.watch(kDomain, on_trial(kStart));
  EXPECT_EQ(tally.of(kDomain).at("s1").delivered, 1U);
  tally.watch(kDomain, on_trial(kStart + std::chrono::hours(1)));
  EXPECT_EQ(tally.of(kDomain).at("s1").delivered, 0U);
  tally.watch(kDomain, {{.selector = "s1", .state = active}});
  EXPECT_TRUE(tally.of(kDomain).empty());
}

TEST(CanaryTallyTest, counts_anew_when_another_key_is_active) {
  CanaryTally tally;
  tally.watch(kDomain, on_trial(kStart));
  KeySet keys = on_trial(kStart);
  keys.front().selector = "s2";
  tally.watch(kDomain, keys);
  tally.count({"s2._domainkey.a.example"}, false);
  EXPECT_EQ(tally.of(kDomain), (Tallies{{"s1", {0, 0}}, {"s2", {1, 0}}}));
}

}  // namespace
}  // namespace signet::keys
