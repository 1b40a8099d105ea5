#include "relay/accept/pace.hpp"

#include <gtest/gtest.h>

namespace signet::accept {
namespace {

using std::chrono::seconds;

TEST(PaceTest, judges_whole_minutes_of_waiting) {
  Pace pace(100);
  EXPECT_TRUE(pace.keeps_up(1, seconds(59)));
  EXPECT_FALSE(pace.keeps_up(1, seconds(1)));
}

TEST(PaceTest, a_good_minute_does_not_pay_for_the_next) {
  Pace pace(100);
  EXPECT_TRUE(pace.keeps_up(1'000'000, seconds(60)));
  EXPECT_FALSE(pace.keeps_up(5'999, seconds(60)));
}

TEST(PaceTest, exactly_the_least_rate_is_enough) {
  Pace pace(100);
  EXPECT_TRUE(pace.keeps_up(6'000, seconds(60)));
  EXPECT_TRUE(pace.keeps_up(12'000, seconds(120)));
  EXPECT_FALSE(pace.keeps_up(11'999, seconds(120)));
}

TEST(PaceTest, a_fast_client_is_never_judged) {
  Pace pace(100);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(pace.keeps_up(0, seconds(0)));
}

}  // namespace
}  // namespace signet::accept
