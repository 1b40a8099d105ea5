#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "relay/schedule/schedule.hpp"

namespace signet::schedule {
namespace {

TEST(LeasesTest, a_limit_holds_until_a_lease_ends) {
  Leases leases;
  Leases::Lease first = leases.take("a", 2);
  const Leases::Lease second = leases.take("a", 2);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(leases.take("a", 2));
  EXPECT_TRUE(leases.take("b", 2));
  first = Leases::Lease();
  EXPECT_EQ(leases.in_use("a"), 1U);
  EXPECT_TRUE(leases.take("a", 2));
}

TEST(LeasesTest, a_lease_knows_that_somebody_else_has_none) {
  Leases leases;
  const Leases::Lease lease = leases.take("a", 1);
  EXPECT_FALSE(lease.is_wanted());
  {
    const Leases::Wish other = leases.wish("b");
    EXPECT_FALSE(lease.is_wanted());
    const Leases::Wish wish = leases.wish("a");
    EXPECT_TRUE(lease.is_wanted());
  }
  EXPECT_FALSE(lease.is_wanted());
}

TEST(LeasesTest, a_limit_of_none_gives_none) { EXPECT_FALSE(Leases().take("a", 0)); }

TEST(LeasesTest, destinations_without_leases_do_not_pile_up) {
  Leases leases;
  const Leases::Lease kept = leases.take("kept", 5);
  for (int i = 0; i < 10'000; ++i) (void)leases.take(std::to_string(i), 5);
  EXPECT_LE(leases.size(), 1024U);
  EXPECT_EQ(leases.in_use("kept"), 1U);
}

TEST(LeasesTest, lists_all_that_are_in_use_and_only_those) {
  Leases leases;
  std::vector<Leases::Lease> kept;
  for (int i = 0; i < 5'000; ++i) kept.push_back(leases.take(std::to_string(i), 5));
  (void)leases.take("over", 5);
  const Leases::Wish wish = leases.wish("wanted");
  std::set<std::string> names;
  for (const Leases::Use& use : leases.list()) {
    EXPECT_TRUE(names.insert(use.destination).second);
    EXPECT_EQ(use.connections, use.destination == "wanted" ? 0U : 1U);
    EXPECT_EQ(use.waiting, use.destination == "wanted" ? 1U : 0U);
  }
  EXPECT_EQ(names.size(), 5'001U);
  EXPECT_TRUE(names.contains("wanted"));
}

TEST(LeasesTest, a_lease_may_outlive_the_table) {
  auto leases = std::make_unique<Leases>();
  const Leases::Lease lease = leases->take("a", 1);
  leases.reset();
  EXPECT_TRUE(lease);
}

TEST(LeasesTest, threads_together_never_exceed_the_limit) {
  Leases leases;
  std::atomic<int> out{0};
  std::atomic<int> most{0};
  const auto work = [&] {
    for (int i = 0; i < 2000; ++i) {
      const Leases::Lease lease = leases.take("a", 2);
      if (!lease) continue;
      const int now_out = ++out;
      int seen = most.load();
      while (now_out > seen && !most.compare_exchange_weak(seen, now_out)) continue;
      --out;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  }
  EXPECT_LE(most.load(), 2);
  EXPECT_EQ(leases.in_use("a"), 0U);
}

}  // namespace
}  // namespace signet::schedule
