#include "relay/authorise/guesses.hpp"

#include <gtest/gtest.h>

#include <array>

namespace signet::authorise {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class HandClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return {}; }
  [[nodiscard]] SteadyTime steady() const override { return SteadyTime{} + since_start; }
  seconds since_start{1'000'000};
};

const IpAddress kHere = *IpAddress::parse("192.0.2.1");
constexpr int kBurst = static_cast<int>(Guesses::kBurst);

IpAddress elsewhere(int number) {
  return *IpAddress::parse("10.0." + std::to_string(number) + ".1");
}

int granted(Guesses& guesses, const IpAddress& from, const std::string& user, int attempts) {
  int count = 0;
  for (int i = 0; i < attempts; ++i) count += guesses.take(from, user) ? 1 : 0;
  return count;
}

TEST(GuessesTest, a_network_has_a_burst_whatever_accounts_it_tries) {
  const HandClock clock;
  Guesses guesses(clock);
  for (int i = 0; i < kBurst; ++i) EXPECT_TRUE(guesses.take(kHere, "user" + std::to_string(i)));
  const auto refused = guesses.take(kHere, "another");
  EXPECT_EQ(refused.error().fault, Fault::auth_unavailable);
  EXPECT_TRUE(guesses.take(elsewhere(1), "another"));
}

TEST(GuessesTest, an_account_has_a_burst_wherever_the_guesses_come_from) {
  const HandClock clock;
  Guesses guesses(clock);
  for (int i = 0; i < kBurst; ++i) EXPECT_TRUE(guesses.take(elsewhere(i), "ann"));
  EXPECT_FALSE(guesses.take(elsewhere(kBurst), "ann"));
  EXPECT_TRUE(guesses.take(elsewhere(kBurst), "bob"));
}

TEST(GuessesTest, others_do_not_keep_a_user_out_of_where_it_came_in) {
  const HandClock clock;
  Guesses guesses(clock);
  ASSERT_TRUE(guesses.take(kHere, "ann"));
  guesses.succeeded(kHere, "ann");
  for (int i = 0; i < kBurst; ++i) (void)guesses.take(elsewhere(i), "ann");
  EXPECT_FALSE(guesses.take(elsewhere(kBurst), "ann"));
  EXPECT_TRUE(guesses.take(kHere, "ann"));
}

TEST(GuessesTest, neighbours_do_not_keep_a_user_out_of_where_it_came_in) {
  const HandClock clock;
  Guesses guesses(clock);
  ASSERT_TRUE(guesses.take(kHere, "ann"));
  guesses.succeeded(kHere, "ann");
  const IpAddress neighbour = *IpAddress::parse("192.0.2.200");
  EXPECT_EQ(granted(guesses, neighbour, "bob", 100), kBurst);
  EXPECT_FALSE(guesses.take(kHere, "carol"));
  EXPECT_EQ(granted(guesses, kHere, "ann", 100), kBurst);
}

TEST(GuessesTest, an_ipv4_network_is_a_24) {
  const HandClock clock;
  Guesses guesses(clock);
  for (int i = 0; i < kBurst; ++i) {
    (void)guesses.take(*IpAddress::parse("198.51.100." + std::to_string(i)), std::to_string(i));
  }
  EXPECT_FALSE(guesses.take(*IpAddress::parse("198.51.100.250"), "ann"));
  EXPECT_TRUE(guesses.take(*IpAddress::parse("198.51.101.1"), "ann"));
}

TEST(GuessesTest, right_passwords_cost_nothing) {
  const HandClock clock;
  Guesses guesses(clock);
  for (int i = 0; i < 10 * kBurst; ++i) {
    ASSERT_TRUE(guesses.take(kHere, "ann"));
    guesses.succeeded(kHere, "ann");
  }
}

TEST(GuessesTest, time_brings_guesses_back) {
  HandClock clock;
  Guesses guesses(clock);
  EXPECT_EQ(granted(guesses, kHere, "ann", 100), kBurst);
  clock.since_start += 3 * Guesses::kRefill;
  EXPECT_EQ(granted(guesses, kHere, "ann", 100), 3);
  clock.since_start += 1000 * Guesses::kRefill;
  EXPECT_EQ(granted(guesses, kHere, "ann", 100), kBurst);
}

TEST(GuessesTest, an_ipv6_network_is_a_64) {
  const HandClock clock;
  Guesses guesses(clock);
  for (int i = 0; i < kBurst; ++i) {
    (void)guesses.take(*IpAddress::parse("2001:db8::" + std::to_string(i)), std::to_string(i));
  }
  EXPECT_FALSE(guesses.take(*IpAddress::parse("2001:db8::ffff"), "ann"));
  EXPECT_TRUE(guesses.take(*IpAddress::parse("2001:db8:0:1::1"), "ann"));
}

TEST(GuessesTest, answers_to_wrong_passwords_wait_longer_and_longer) {
  const HandClock clock;
  Guesses guesses(clock);
  milliseconds last{0};
  for (int i = 0; i < kBurst; ++i) {
    ASSERT_TRUE(guesses.take(kHere, "ann"));
    const milliseconds delay = guesses.failed(kHere, "ann");
    EXPECT_EQ(delay == milliseconds(0), i < 3) << i;
    EXPECT_GE(delay, last);
    last = delay;
  }
  EXPECT_LE(last, seconds(5));
}

TEST(GuessesTest, remembers_only_so_many_networks) {
  const HandClock clock;
  Guesses guesses(clock);
  for (std::size_t i = 0; i < Guesses::kMostEntries + 100; ++i) {
    const std::array<std::uint8_t, 4> octets{static_cast<std::uint8_t>(i >> 16U),
                                             static_cast<std::uint8_t>(i >> 8U),
                                             static_cast<std::uint8_t>(i), 1};
    ASSERT_TRUE(guesses.take(IpAddress::from_bytes(octets.data(), false), std::to_string(i)));
  }
}

}  // namespace
}  // namespace signet::authorise
