#include "config/nearest_word.hpp"

#include <gtest/gtest.h>

namespace signet::config {
namespace {

TEST(NearestWordTest, is_the_one_that_differs_least) {
  const std::vector<std::string> known{"queue", "keys", "verify", "user"};
  EXPECT_EQ(nearest_word("quue", known), "queue");
  EXPECT_EQ(nearest_word("key", known), "keys");
  EXPECT_EQ(nearest_word("verfiy", known), "verify");
}

TEST(NearestWordTest, is_nothing_when_all_are_far) {
  EXPECT_EQ(nearest_word("bogus", {"queue", "verify"}), "");
  EXPECT_EQ(nearest_word("x", {}), "");
}

}  // namespace
}  // namespace signet::config
