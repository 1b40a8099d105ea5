#include "relay/rotation_turns.hpp"

#include <gtest/gtest.h>

namespace signet {
namespace {

Domain domain(std::string_view text) { return std::move(*Domain::parse(text)); }

TEST(RotationTurnsTest, every_domain_that_is_due_has_its_turn_though_the_first_never_begins) {
  RotationTurns turns;
  std::set<Domain> had;
  for (int walk = 0; walk < 3; ++walk) {
    for (const auto* name : {"a.example", "b.example", "c.example"}) turns.add(domain(name));
    const auto taken = turns.take(1);
    EXPECT_EQ(taken.size(), 1U);
    had.insert(taken.begin(), taken.end());
  }
  EXPECT_EQ(had.size(), 3U);
}

TEST(RotationTurnsTest, no_domain_takes_two_places_and_none_takes_what_is_not_free) {
  RotationTurns turns;
  turns.add(domain("a.example"));
  turns.add(domain("b.example"));
  EXPECT_EQ(turns.take(5).size(), 2U);
  turns.add(domain("a.example"));
  EXPECT_TRUE(turns.take(0).empty());
  EXPECT_TRUE(turns.take(1).empty()) << "it was not due on the last walk";
}

}  // namespace
}  // namespace signet
