#include "relay/suspensions.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "tests/support/scratch_folder.hpp"

namespace signet {
namespace {

using std::chrono::hours;

class StandingClock final : public Clock {
 public:
  WallTime time{std::chrono::milliseconds{1795454607123}};
  [[nodiscard]] WallTime now() const override { return time; }
  [[nodiscard]] SteadyTime steady() const override { return {}; }
};

class SuspensionsTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path file() const { return directory_ / "suspensions.json"; }
  std::unique_ptr<Suspensions> open() {
    auto opened = Suspensions::open(file(), clock_);
    EXPECT_TRUE(opened.has_value());
    return opened ? std::move(*opened) : nullptr;
  }
  Suspension of(SuspensionKind kind, std::string value, std::optional<WallTime> until = {}) {
    return {kind, std::move(value), "moving", "uid 0", clock_.now(), until};
  }

  test::ScratchFolder directory_;
  StandingClock clock_;
};

TEST_F(SuspensionsTest, finds_exactly_what_was_suspended) {
  const auto all = open();
  EXPECT_TRUE(all->none());
  ASSERT_TRUE(all->suspend(of(SuspensionKind::client, "example.com")));
  EXPECT_FALSE(all->none());
  EXPECT_TRUE(all->find(SuspensionKind::client, "example.com").has_value());
  EXPECT_FALSE(all->find(SuspensionKind::domain, "example.com").has_value());
  EXPECT_FALSE(all->find(SuspensionKind::client, "example.org").has_value());
}

TEST_F(SuspensionsTest, survives_a_restart) {
  const auto suspension = of(SuspensionKind::egress, "192.0.2.1", clock_.now() + hours(2));
  ASSERT_TRUE(open()->suspend(suspension));
  const auto again = open();
  ASSERT_EQ(again->list().size(), 1U);
  EXPECT_EQ(again->list().front(), suspension);
  ASSERT_TRUE(again->resume(SuspensionKind::egress, "192.0.2.1"));
  EXPECT_TRUE(open()->none());
}

TEST_F(SuspensionsTest, ends_by_itself) {
  const auto all = open();
  ASSERT_TRUE(all->suspend(of(SuspensionKind::domain, "example.com", clock_.now() + hours(1))));
  clock_.time += hours(1);
  EXPECT_FALSE(all->find(SuspensionKind::domain, "example.com").has_value());
  EXPECT_TRUE(all->list().empty());
  EXPECT_EQ(all->resume(SuspensionKind::domain, "example.com").error().fault, Fault::not_found);
}

TEST_F(SuspensionsTest, replaces_one_of_the_same_name) {
  const auto all = open();
  ASSERT_TRUE(all->suspend(of(SuspensionKind::domain, "example.com", clock_.now() + hours(1))));
  ASSERT_TRUE(all->suspend(of(SuspensionKind::domain, "example.com")));
  ASSERT_EQ(all->list().size(), 1U);
  EXPECT_FALSE(all->list().front().until.has_value());
}

TEST_F(SuspensionsTest, is_bounded) {
  const auto all = open();
  for (std::size_t i = 0; i < Suspensions::kMost; ++i)
    ASSERT_TRUE(all->suspend(of(SuspensionKind::client, std::to_string(i))));
  EXPECT_EQ(all->suspend(of(SuspensionKind::client, "one more")).error().fault,
            Fault::quota_exceeded);
}

TEST_F(SuspensionsTest, refuses_a_damaged_file_rather_than_forget_a_suspension) {
  for (const char* text :
       {"", "{}", "[1]", R"([{"kind":"moon","value":"x","since":1}])",
        R"([{"kind":"client","value":"","since":1}])", R"([{"kind":"client","value":"x"}])"}) {
    std::ofstream(file()) << text;
    const auto opened = Suspensions::open(file(), clock_);
    ASSERT_FALSE(opened.has_value()) << text;
    EXPECT_EQ(opened.error().fault, Fault::configuration);
  }
}

TEST_F(SuspensionsTest, changes_nothing_that_could_not_be_written) {
  const auto all = open();
  std::filesystem::remove_all(directory_.path());
  const auto stored = all->suspend(of(SuspensionKind::client, "x"));
  ASSERT_FALSE(stored.has_value());
  EXPECT_EQ(stored.error().fault, Fault::local_error);
  EXPECT_EQ(
      stored.error().public_text(),
      "Nothing is changed, as it can't be stored: suspensions.json: No such file or directory");
  EXPECT_TRUE(all->none());
}

TEST_F(SuspensionsTest, says_why_a_write_failed_to_whoever_ordered_it) {
  const auto all = open();
  ASSERT_TRUE(all->suspend(of(SuspensionKind::client, "x")));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &none);
  const auto stored = all->suspend(of(SuspensionKind::client, "y"));
  const auto resumed = all->resume(SuspensionKind::client, "x");
  ::setrlimit(RLIMIT_FSIZE, &before);
  for (const auto& done : {stored, resumed}) {
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().public_text(),
              "Nothing is changed, as it can't be stored: suspensions.json: File too large");
  }
  EXPECT_TRUE(all->find(SuspensionKind::client, "x").has_value());
  EXPECT_FALSE(all->find(SuspensionKind::client, "y").has_value());
}

TEST(SuspensionKindTest, is_read_as_it_is_written) {
  using enum SuspensionKind;
  for (const auto kind : {destination, domain, client, egress})
    EXPECT_EQ(parse_suspension_kind(name_of(kind)), kind);
  EXPECT_FALSE(parse_suspension_kind("route").has_value());
}

}  // namespace
}  // namespace signet
