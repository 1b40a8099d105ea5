#include "relay/accept/header_split.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace signet::accept {
namespace {

struct SplitCase {
  std::string message;
  std::string block;
  std::string body;
  bool complete = true;
  bool too_big = false;
};

TEST(HeaderSplitTest, splits_at_the_first_empty_line_at_every_cut) {
  const std::vector<SplitCase> cases{
      {"A: 1\r\n\r\nbody\r\n", "A: 1\r\n", "body\r\n"},
      {"A: 1\r\n\r\n\r\n\r\nx", "A: 1\r\n", "\r\n\r\nx"},
      {"A: 1\r\n\r\n", "A: 1\r\n", ""},
      {"\r\nbody\r\n", "", "body\r\n"},
      {"\r\n", "", ""},
      {"", "", "", false},
      {"A: 1\r\n", "A: 1\r\n", "", false},
      {"A: 1\r\nB: 12345\r\n\r\nb", "A: 1\r\nB: 12345\r\n", "b"},   // 16: the cap.
      {"A: 1\r\nB: 123456\r\n\r\nb", "", "", false, true},          // 17.
      {"A: 1\r\nB: 12345\r\n", "A: 1\r\nB: 12345\r\n", "", false},  // 16 and no body.
      {"A: 1\r\nB: 12345678901234567890\r\n\r\nbody", "", "", false, true},
  };
  for (const auto& [message, block, body, complete, too_big] : cases) {
    for (std::size_t step = 1; step <= message.size() + 1; ++step) {
      HeaderSplit split(16);
      std::string seen;
      for (std::size_t at = 0; at < message.size(); at += step) {
        seen += split.feed(std::string_view(message).substr(at, step));
      }
      EXPECT_EQ(split.is_complete(), complete) << message << " by " << step;
      EXPECT_EQ(split.is_too_big(), too_big) << message << " by " << step;
      EXPECT_EQ(split.take_block(), block) << message << " by " << step;
      EXPECT_EQ(seen, body) << message << " by " << step;
    }
  }
}

}  // namespace
}  // namespace signet::accept
