#include <gtest/gtest.h>

#include "relay/services.hpp"

namespace signet {
namespace {

TEST(MemoryShareTest, gives_back_all_it_took_when_it_goes) {
  MemoryBudget budget;
  {
    MemoryShare share(budget, 100);
    EXPECT_TRUE(share.grow_to(40));
    EXPECT_TRUE(share.grow_to(30));
    EXPECT_EQ(budget.used(), 40U);
    EXPECT_TRUE(share.grow_to(90));
    EXPECT_EQ(budget.used(), 90U);
  }
  EXPECT_EQ(budget.used(), 0U);
}

TEST(MemoryShareTest, takes_nothing_when_the_budget_is_used_up) {
  MemoryBudget budget;
  MemoryShare first(budget, 100);
  MemoryShare second(budget, 100);
  EXPECT_TRUE(first.grow_to(60));
  EXPECT_FALSE(second.grow_to(41));
  EXPECT_EQ(budget.used(), 60U);
  first.drop();
  EXPECT_TRUE(second.grow_to(41));
}

}  // namespace
}  // namespace signet
