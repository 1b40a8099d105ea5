#include "relay/report/event_buffer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace signet::report {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EventBufferTest : public ::testing::Test {
 protected:
  SystemClock clock_;
  EventBuffer buffer_{clock_};
};

TEST_F(EventBufferTest, keeps_the_order_and_what_is_not_taken) {
  EXPECT_EQ(buffer_.add("one\n"), EventBuffer::Added::first);
  EXPECT_EQ(buffer_.add("two\n"), EventBuffer::Added::more);
  EXPECT_EQ(buffer_.add("three\n"), EventBuffer::Added::more);
  EXPECT_THAT(buffer_.first(2, 1000), ElementsAre("one", "two"));
  EXPECT_THAT(buffer_.first(2, 1000), ElementsAre("one", "two"));
  buffer_.taken(2);
  EXPECT_THAT(buffer_.first(9, 1000), ElementsAre("three"));
  EXPECT_EQ(buffer_.bytes(), 5U);
  buffer_.taken(5);
  EXPECT_EQ(buffer_.size(), 0U);
  EXPECT_FALSE(buffer_.oldest());
}

TEST_F(EventBufferTest, gives_one_line_at_least_however_large) {
  buffer_.add(std::string(100, 'x'));
  buffer_.add("y");
  EXPECT_EQ(buffer_.first(9, 10).size(), 1U);
  EXPECT_EQ(buffer_.first(9, 103).size(), 2U);
}

TEST_F(EventBufferTest, what_is_missing_can_be_noted_without_another_line) {
  buffer_.limit(10);
  buffer_.note_missing();
  EXPECT_EQ(buffer_.size(), 0U);
  buffer_.add(std::string(20, 'y'));
  buffer_.note_missing();
  buffer_.note_missing();
  const auto lines = buffer_.first(9, 1000);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr(R"("event":"events_lost","count":1})"));
}

TEST_F(EventBufferTest, takes_back_all_that_waited_before) {
  buffer_.limit(10);
  buffer_.restore(std::string(8, 'x'));
  buffer_.restore(std::string(8, 'y'));
  EXPECT_EQ(buffer_.add("z"), EventBuffer::Added::dropped);
  EXPECT_EQ(buffer_.first(9, 1000).size(), 2U);
  EXPECT_EQ(buffer_.dropped(), 1U);
}

TEST_F(EventBufferTest, drops_what_does_not_fit_and_notes_it_where_it_is_missing) {
  buffer_.limit(100);
  buffer_.add(std::string(90, 'x'));
  EXPECT_EQ(buffer_.add(std::string(20, 'y')), EventBuffer::Added::dropped);
  EXPECT_EQ(buffer_.add(std::string(20, 'y')), EventBuffer::Added::dropped);
  EXPECT_EQ(buffer_.dropped(), 2U);
  buffer_.taken(1);
  buffer_.add("z");
  const auto lines = buffer_.first(9, 1000);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], HasSubstr(R"("event":"events_lost","count":2})"));
  EXPECT_EQ(lines[1], "z");
  buffer_.drop_first();
  EXPECT_EQ(buffer_.dropped(), 3U);
}

}  // namespace
}  // namespace signet::report
