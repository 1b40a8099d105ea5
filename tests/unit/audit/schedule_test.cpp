#include "monitoring/audit/schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "monitoring/audit/inquiry.hpp"
#include "tests/unit/audit/sample_facts.hpp"

namespace signet::audit {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;

const SteadyTime kStart{hours(1000)};

class ScheduleTest : public testing::Test {
 protected:
  Schedule schedule_{{.used = hours(1), .unused = hours(24)}};
  Domain a_ = domain("a.test");
  Domain b_ = domain("b.test");
};

TEST_F(ScheduleTest, first_turns_are_ten_seconds_apart) {
  EXPECT_TRUE(schedule_.set_domains({a_, b_}, kStart).empty());
  EXPECT_TRUE(schedule_.is_due(a_, false, kStart));
  EXPECT_FALSE(schedule_.is_due(b_, false, kStart + seconds(9)));
  EXPECT_TRUE(schedule_.is_due(b_, false, kStart + seconds(10)));
}

TEST_F(ScheduleTest, many_domains_share_the_first_hour) {
  std::vector<Domain> domains;
  for (int i = 1000; i < 2000; ++i) domains.push_back(domain("d" + std::to_string(i) + ".test"));
  (void)schedule_.set_domains(domains, kStart);
  EXPECT_FALSE(schedule_.is_due(domains.back(), true, kStart + minutes(59)));
  EXPECT_TRUE(schedule_.is_due(domains.back(), true, kStart + hours(1)));
}

TEST_F(ScheduleTest, hourly_when_in_use_else_daily) {
  (void)schedule_.set_domains({a_}, kStart);
  schedule_.begun(a_, kStart);
  EXPECT_FALSE(schedule_.is_due(a_, true, kStart + minutes(59)));
  EXPECT_TRUE(schedule_.is_due(a_, true, kStart + hours(1)));
  EXPECT_FALSE(schedule_.is_due(a_, false, kStart + hours(23)));
  EXPECT_TRUE(schedule_.is_due(a_, false, kStart + hours(24)));
}

TEST_F(ScheduleTest, domains_come_and_go_and_keep_their_turns) {
  (void)schedule_.set_domains({a_}, kStart);
  schedule_.begun(a_, kStart);
  EXPECT_TRUE(schedule_.set_domains({a_, b_}, kStart + minutes(1)).empty());
  EXPECT_FALSE(schedule_.is_due(a_, true, kStart + minutes(1)));
  EXPECT_TRUE(schedule_.is_due(b_, true, kStart + minutes(1)));
  EXPECT_THAT(schedule_.set_domains({b_}, kStart + minutes(2)), ElementsAre(a_));
  EXPECT_FALSE(schedule_.is_due(a_, true, kStart + hours(48)));
}

TEST(PaceTest, gives_fifty_turns_a_second_and_no_burst_after_a_pause) {
  Pace pace(50);
  milliseconds last{0};
  for (int i = 0; i < 51; ++i) last = pace.reserve(kStart);
  EXPECT_EQ(last, seconds(1));
  EXPECT_EQ(pace.reserve(kStart + hours(1)), milliseconds(0));
  EXPECT_EQ(pace.reserve(kStart + hours(1)), milliseconds(20));
}

}  // namespace
}  // namespace signet::audit
