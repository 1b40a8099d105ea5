#include "relay/base/rate_limit.hpp"

#include <gtest/gtest.h>

namespace signet {
namespace {

TEST(RateLimitTest, grants_a_burst_and_then_the_rate) {
  RateLimit limit;
  SteadyTime now{};
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(limit.take(now, 10)) << i;
  EXPECT_FALSE(limit.take(now, 10));
  now += std::chrono::milliseconds(100);
  EXPECT_TRUE(limit.take(now, 10));
  EXPECT_FALSE(limit.take(now, 10));
  now += std::chrono::hours(1);
  int granted = 0;
  while (limit.take(now, 10)) ++granted;
  EXPECT_EQ(granted, 10);
}

}  // namespace
}  // namespace signet
