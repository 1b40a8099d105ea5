#include "relay/admin/terminal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace signet::admin {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(FitTest, cuts_each_line_to_the_width) {
  EXPECT_EQ(fit("abcdef\nabc\n", 4), "abc\u2026\nabc\n");
  EXPECT_EQ(fit("abcd", 4), "abcd");
  EXPECT_EQ(fit("\n\nabcde", 2), "\n\na\u2026");
  EXPECT_EQ(fit("", 4), "");
}

TEST(FitTest, counts_characters_not_octets) {
  EXPECT_EQ(fit("\u00e4\u00f6\u00fc\u00df", 4), "\u00e4\u00f6\u00fc\u00df");
  EXPECT_EQ(fit("\u00e4\u00f6\u00fc\u00df", 3), "\u00e4\u00f6\u2026");
}

TEST(FitTest, wide_characters_take_two_columns_and_accents_none) {
  EXPECT_EQ(fit("\u6f22\u5b57", 4), "\u6f22\u5b57");
  EXPECT_EQ(fit("\u6f22\u5b57", 3), "\u6f22\u2026");
  EXPECT_EQ(fit("a\u6f22\u5b57", 4), "a\u6f22\u2026");
  EXPECT_EQ(fit("e\u0301e\u0301e", 3), "e\u0301e\u0301e");
}

TEST(FitTest, leaves_text_alone_that_goes_to_no_terminal) {
  EXPECT_EQ(fit(std::string(500, 'x') + "\n", 0), std::string(500, 'x') + "\n");
}

/// A terminal and a clock of the test's own.
struct Stage {
  std::chrono::steady_clock::time_point now{};
  std::vector<std::string> written;
  Progress::Place place(std::size_t columns) {
    return {.columns = columns,
            .now = [this] { return now; },
            .write = [this](const std::string& text) { written.push_back(text); }};
  }
};

TEST(ProgressTest, shows_nothing_of_work_that_is_soon_done) {
  Stage stage;
  {
    Progress progress("hold", 100, stage.place(80));
    for (int i = 0; i <= 100; ++i) progress.reach(static_cast<std::uint64_t>(i));
    stage.now += milliseconds(999);
    progress.reach(100);
  }
  EXPECT_THAT(stage.written, IsEmpty());
}

TEST(ProgressTest, shows_a_bar_after_a_second_and_clears_it) {
  Stage stage;
  {
    Progress progress("hold", 200, stage.place(80));
    stage.now += milliseconds(1000);
    progress.reach(50, "7 match");
    stage.now += milliseconds(50);
    progress.reach(60);  // Too soon to be drawn again.
    stage.now += milliseconds(100);
    progress.reach(200);
  }
  EXPECT_THAT(
      stage.written,
      ElementsAre("\rhold [#######.......................]  25% 50 of 200 7 match\x1b[K",
                  "\rhold [##############################] 100% 200 of 200 \x1b[K", "\r\x1b[K"));
}

TEST(ProgressTest, more_than_was_expected_is_a_full_bar) {
  Stage stage;
  Progress progress("hold", 10, stage.place(80));
  stage.now += milliseconds(2000);
  progress.reach(15);
  EXPECT_THAT(stage.written, ElementsAre(HasSubstr("100% 15 of 10")));
}

TEST(ProgressTest, fits_a_narrow_terminal) {
  Stage stage;
  Progress progress("hold", 10, stage.place(12));
  stage.now += milliseconds(2000);
  progress.reach(5);
  EXPECT_THAT(stage.written, ElementsAre("\rhold [####\u2026\x1b[K"));
}

TEST(ProgressTest, shows_nothing_without_a_terminal) {
  Stage stage;
  {
    Progress progress("hold", 10, stage.place(0));
    stage.now += milliseconds(5000);
    progress.reach(5);
  }
  EXPECT_THAT(stage.written, IsEmpty());
}

}  // namespace
}  // namespace signet::admin
