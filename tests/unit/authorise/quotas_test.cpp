#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "relay/authorise/authoriser.hpp"

namespace signet::authorise {
namespace {

using std::chrono::minutes;

class HandClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return {}; }
  [[nodiscard]] SteadyTime steady() const override { return SteadyTime{} + since_start; }
  minutes since_start{100'000};
};

config::ClientSettings limited(std::uint64_t messages, std::uint64_t recipients,
                               std::uint32_t connections = 0) {
  config::ClientSettings client;
  client.name = "apps";
  client.messages_per_hour = messages;
  client.recipients_per_hour = recipients;
  client.connections = connections;
  return client;
}

TEST(QuotasTest, no_limit_means_no_limit) {
  const HandClock clock;
  Quotas quotas(clock);
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(quotas.take_message(limited(0, 0), 100));
}

TEST(QuotasTest, messages_come_back_sixty_minutes_after_they_were_counted) {
  HandClock clock;
  Quotas quotas(clock);
  const auto client = limited(2, 0);
  EXPECT_TRUE(quotas.take_message(client, 1));
  clock.since_start += minutes(30);
  EXPECT_TRUE(quotas.take_message(client, 1));
  EXPECT_EQ(quotas.take_message(client, 1).error().fault, Fault::quota_exceeded);
  clock.since_start += minutes(29);
  EXPECT_FALSE(quotas.take_message(client, 1));
  clock.since_start += minutes(1);
  EXPECT_TRUE(quotas.take_message(client, 1));
  EXPECT_FALSE(quotas.take_message(client, 1));
  clock.since_start += minutes(600);
  EXPECT_TRUE(quotas.take_message(client, 1));
  EXPECT_TRUE(quotas.take_message(client, 1));
  EXPECT_FALSE(quotas.take_message(client, 1));
}

TEST(QuotasTest, what_is_refused_is_not_counted) {
  const HandClock clock;
  Quotas quotas(clock);
  const auto client = limited(3, 10);
  EXPECT_TRUE(quotas.take_message(client, 6));
  EXPECT_FALSE(quotas.take_message(client, 5));
  EXPECT_FALSE(quotas.take_message(client, 5));
  EXPECT_FALSE(quotas.take_message(client, ~std::uint64_t{0}));
  EXPECT_TRUE(quotas.take_message(client, 4));
  EXPECT_TRUE(quotas.take_message(client, 0));
  EXPECT_FALSE(quotas.take_message(client, 0));
}

TEST(QuotasTest, each_client_has_its_own_count) {
  const HandClock clock;
  Quotas quotas(clock);
  auto other = limited(1, 0);
  other.name = "other";
  EXPECT_TRUE(quotas.take_message(limited(1, 0), 1));
  EXPECT_TRUE(quotas.take_message(other, 1));
  EXPECT_FALSE(quotas.take_message(other, 1));
}

TEST(QuotasTest, a_returned_connection_can_be_taken_again) {
  const HandClock clock;
  Quotas quotas(clock);
  const auto client = limited(0, 0, 2);
  EXPECT_TRUE(quotas.take_connection(client));
  EXPECT_TRUE(quotas.take_connection(client));
  EXPECT_EQ(quotas.take_connection(client).error().fault, Fault::too_many_connections);
  quotas.return_connection(client);
  EXPECT_TRUE(quotas.take_connection(client));
  EXPECT_FALSE(quotas.take_connection(client));
}

TEST(QuotasTest, threads_share_one_limit) {
  const HandClock clock;
  Quotas quotas(clock);
  const auto client = limited(500, 0);
  std::atomic<int> granted{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 300; ++n) granted += quotas.take_message(client, 1) ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(granted, 500);
}

}  // namespace
}  // namespace signet::authorise
