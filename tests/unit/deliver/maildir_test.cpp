#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "relay/deliver/client.hpp"
#include "tests/support/scratch_folder.hpp"

namespace signet::deliver {
namespace {

using Sink = std::function<Result<void>(std::string_view)>;

class MaildirTest : public testing::Test {
 protected:
  [[nodiscard]] Result<std::string> deliver(const std::string& name,
                                            const std::vector<std::string>& slices) {
    return deliver_to_maildir(maildir_, name, [&](const Sink& sink) {
      for (const std::string& slice : slices) {
        auto taken = sink(slice);
        if (!taken) return taken;
      }
      return Result<void>();
    });
  }
  [[nodiscard]] static std::string read(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  [[nodiscard]] std::size_t count(const char* folder) const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(maildir_ / folder), {}));
  }

  test::ScratchFolder parent_;
  std::filesystem::path maildir_ = parent_ / "box";
};

TEST_F(MaildirTest, a_message_appears_in_new_with_lf_line_ends) {
  const auto file = deliver("1.a", {"A: b\r\n\r\n", "text\r\n"});
  ASSERT_TRUE(file) << file.error().detail;
  EXPECT_EQ(*file, (maildir_ / "new" / "1.a").string());
  EXPECT_EQ(read(*file), "A: b\n\ntext\n");
  EXPECT_EQ(count("tmp"), 0U);
  EXPECT_EQ(std::filesystem::status(maildir_ / "new").permissions(),
            std::filesystem::perms::owner_all);
  EXPECT_EQ(std::filesystem::status(*file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(MaildirTest, line_ends_are_the_same_at_every_cut) {
  const std::string text = "a\r\nb\rc\r\r\nd\n\r\n\r";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const auto file = deliver("cut" + std::to_string(cut), {text.substr(0, cut), text.substr(cut)});
    ASSERT_TRUE(file);
    EXPECT_EQ(read(*file), "a\nb\rc\r\nd\n\n\r") << cut;
  }
}

TEST_F(MaildirTest, a_large_message_arrives_whole) {
  const std::string line(998, 'x');
  std::vector<std::string> slices;
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    slices.push_back(line + "\r\n");
    expected += line + "\n";
  }
  const auto file = deliver("large", slices);
  ASSERT_TRUE(file);
  EXPECT_TRUE(read(*file) == expected);
}

TEST_F(MaildirTest, nothing_is_overwritten) {
  const auto first = deliver("same", {"1"});
  const auto second = deliver("same", {"2"});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(read(*first), "1");
  EXPECT_EQ(read(*second), "2");
  EXPECT_EQ(count("new"), 2U);
}

TEST_F(MaildirTest, a_leftover_of_an_interrupted_delivery_is_no_obstacle) {
  ASSERT_TRUE(deliver("first", {"x"}));
  std::ofstream(maildir_ / "tmp" / "again") << "half a mess";
  const auto file = deliver("again", {"whole"});
  ASSERT_TRUE(file);
  EXPECT_EQ(read(*file), "whole");
  EXPECT_EQ(count("tmp"), 0U);
}

TEST_F(MaildirTest, a_failed_write_leaves_nothing) {
  const auto file = deliver_to_maildir(maildir_, "x", [](const Sink& sink) -> Result<void> {
    (void)sink("part");
    return fail(Fault::spool_failed, "no body");
  });
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().fault, Fault::spool_failed);
  EXPECT_EQ(count("tmp") + count("new"), 0U);
}

TEST_F(MaildirTest, a_name_may_not_leave_the_folder) {
  for (const char* name : {"", ".x", "../x", "a/b"}) EXPECT_FALSE(deliver(name, {"x"})) << name;
}

TEST_F(MaildirTest, a_folder_that_can_not_be_made_is_a_local_error) {
  maildir_ = parent_ / "missing" / "box";
  const auto file = deliver("x", {"x"});
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().fault, Fault::local_error);
}

}  // namespace
}  // namespace signet::deliver
