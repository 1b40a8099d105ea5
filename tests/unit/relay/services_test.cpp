#include "relay/services.hpp"

#include <gtest/gtest.h>

namespace signet {
namespace {

TEST(MemoryBudgetTest, refuses_what_would_pass_the_limit_and_takes_nothing_then) {
  MemoryBudget budget;
  EXPECT_TRUE(budget.take(60, 100));
  EXPECT_FALSE(budget.take(41, 100));
  EXPECT_EQ(budget.used(), 60U);
  EXPECT_TRUE(budget.take(40, 100));
  budget.give_back(100);
  EXPECT_EQ(budget.used(), 0U);
}

TEST(InMemoryTest, one_hand_holds_a_message) {
  InMemory registry;
  EXPECT_TRUE(registry.insert(QueueId{7}));
  EXPECT_FALSE(registry.insert(QueueId{7}));
  EXPECT_TRUE(registry.insert(QueueId{8}));
  registry.erase(QueueId{7});
  EXPECT_TRUE(registry.insert(QueueId{7}));
}

TEST(CurrentSnapshotTest, a_session_keeps_the_settings_it_began_with) {
  auto first = std::make_shared<config::Settings>();
  first->hostname = "first.example";
  CurrentSnapshot current(
      {.settings = first, .server_tls = nullptr, .client_tls = nullptr, .admin_tokens = nullptr});
  const auto session = current.get();
  auto second = std::make_shared<config::Settings>();
  second->hostname = "second.example";
  current.set(
      {.settings = second, .server_tls = nullptr, .client_tls = nullptr, .admin_tokens = nullptr});
  EXPECT_EQ(session->settings->hostname, "first.example");
  EXPECT_EQ(current.get()->settings->hostname, "second.example");
}

}  // namespace
}  // namespace signet
