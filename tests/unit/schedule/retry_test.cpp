#include <gtest/gtest.h>

#include "relay/schedule/schedule.hpp"

namespace signet::schedule {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr WallTime kReceived{hours(24 * 365 * 50)};
constexpr std::uint64_t kMostJitter = 1023;

// Every attempt of a message that never gets through, as offsets from its receipt.
std::vector<milliseconds> life_of_a_message(const config::QueueSettings& queue, bool null_sender,
                                            std::uint64_t random) {
  std::vector<milliseconds> attempts{milliseconds(0)};
  const WallTime expires = expiry(queue, null_sender, kReceived);
  WallTime now = kReceived;
  while (now < expires) {
    const auto failed = static_cast<std::uint32_t>(attempts.size());
    now = next_attempt(queue, failed, kReceived, now, expires, random);
    attempts.push_back(now - kReceived);
  }
  return attempts;
}

TEST(RetryTest, a_message_lives_five_days_with_early_hourly_then_four_hourly_attempts) {
  std::vector<milliseconds> expected{minutes(0),  minutes(5),  minutes(15),
                                     minutes(35), minutes(75), minutes(135)};
  while (expected.back() < hours(24)) expected.push_back(expected.back() + hours(1));
  while (expected.back() + hours(4) < hours(120)) expected.push_back(expected.back() + hours(4));
  expected.push_back(hours(120));
  const auto attempts = life_of_a_message({}, false, 0);
  EXPECT_EQ(attempts, expected);
  EXPECT_EQ(attempts.size(), 52U);
}

TEST(RetryTest, a_null_sender_is_given_up_after_a_day) {
  EXPECT_EQ(life_of_a_message({}, true, 0).back(), hours(24));
}

TEST(RetryTest, jitter_only_delays_and_by_less_than_a_tenth) {
  const config::QueueSettings queue;
  const WallTime expires = expiry(queue, false, kReceived);
  for (std::uint32_t attempts = 1; attempts < 8; ++attempts) {
    const WallTime plain = next_attempt(queue, attempts, kReceived, kReceived, expires, 0);
    for (const std::uint64_t random : {1ULL, 511ULL, 1023ULL, 0xFFFFFFFFFFFFFFFFULL}) {
      const WallTime jittered =
          next_attempt(queue, attempts, kReceived, kReceived, expires, random);
      EXPECT_GE(jittered, plain);
      EXPECT_LE(jittered - plain, (plain - kReceived) / 10);
    }
  }
  EXPECT_GT(next_attempt(queue, 1, kReceived, kReceived, expires, kMostJitter),
            next_attempt(queue, 1, kReceived, kReceived, expires, 0));
}

TEST(RetryTest, the_last_attempt_is_at_the_expiry_whatever_the_jitter) {
  for (const std::uint64_t random : {0ULL, 700ULL, 1023ULL}) {
    EXPECT_EQ(life_of_a_message({}, false, random).back(), hours(120));
  }
}

struct StepCase {
  std::uint32_t attempts;
  milliseconds age;
  milliseconds expected;
};

TEST(RetryTest, takes_the_step_of_the_attempt_and_of_the_age) {
  const config::QueueSettings queue;
  const std::vector<StepCase> cases{
      {0, seconds(0), minutes(5)},  {1, seconds(0), minutes(5)},
      {2, seconds(0), minutes(10)}, {5, seconds(0), minutes(60)},
      {6, seconds(0), minutes(60)}, {4'000'000'000, seconds(0), minutes(60)},
      {1, hours(24), hours(4)},     {9, hours(24) - seconds(1), minutes(60)},
      {9, hours(100), hours(4)},
  };
  for (const auto& [attempts, age, expected] : cases) {
    const WallTime now = kReceived + age;
    EXPECT_EQ(next_attempt(queue, attempts, kReceived, now, kReceived + hours(1000), 0) - now,
              expected)
        << attempts << " after " << age.count();
  }
}

TEST(RetryTest, an_empty_list_of_retries_means_retry_later) {
  config::QueueSettings queue;
  queue.retries.clear();
  EXPECT_EQ(next_attempt(queue, 1, kReceived, kReceived, kReceived + hours(100), 0) - kReceived,
            hours(4));
}

}  // namespace
}  // namespace signet::schedule
