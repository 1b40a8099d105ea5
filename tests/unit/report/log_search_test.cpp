#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "relay/report/delivery_log.hpp"
#include "tests/support/scratch_folder.hpp"

namespace signet::report {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FactsAboutTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream log(file_);
    log << R"({"event":"received","id":")" << mine_.to_string() << R"(","bytes":7})" << '\n'
        << R"({"event":"deferred","id":")" << other_.to_string() << R"("})" << '\n'
        << R"({"event":"dsn","id":")" << other_.to_string() << R"(","about":")" << mine_.to_string()
        << R"("})" << '\n'
        << R"({"event":"deferred","id":")" << other_.to_string() << R"(","reply":")"
        << mine_.to_string() << R"("})" << '\n'
        << R"({"event":"delivered","id":")" << mine_.to_string() << R"("})" << '\n';
  }
  static std::string event_of(const std::string& line) {
    return line.substr(10, line.find('"', 10) - 10);
  }
  std::vector<std::string> events(QueueId id, std::size_t limit = 100) const {
    std::vector<std::string> found;
    for (const auto& line : facts_about(file_, id, limit)) found.push_back(event_of(line));
    return found;
  }

  const test::ScratchFolder folder_;
  const std::string file_ = folder_ / "facts.log";
  const QueueId mine_{123456789};
  const QueueId other_{987654321};
};

TEST_F(FactsAboutTest, finds_the_facts_of_a_message_and_the_reports_about_it) {
  EXPECT_THAT(events(mine_), ElementsAre("received", "dsn", "delivered"));
}

TEST_F(FactsAboutTest, keeps_the_newest) {
  EXPECT_THAT(events(mine_, 2), ElementsAre("dsn", "delivered"));
}

TEST_F(FactsAboutTest, goes_back_over_all_the_files_before_it) {
  const auto write = [&](const char* suffix, const char* event) {
    std::ofstream(file_ + suffix) << R"({"event":")" << event << R"(","id":")" << mine_.to_string()
                                  << R"("})" << '\n';
  };
  write(".1", "released");
  write(".2", "held");
  write(".4", "accepted");  // .3 is just being renamed.
  write(".7", "of something else");
  EXPECT_THAT(events(mine_),
              ElementsAre("accepted", "held", "released", "received", "dsn", "delivered"));
  EXPECT_THAT(events(mine_, 5), ElementsAre("held", "released", "received", "dsn", "delivered"));
  EXPECT_THAT(events(mine_, 2), ElementsAre("dsn", "delivered"));
}

TEST_F(FactsAboutTest, reads_once_what_is_renamed_meanwhile) {
  std::filesystem::create_hard_link(file_, file_ + ".1");
  EXPECT_THAT(events(mine_), ElementsAre("received", "dsn", "delivered"));
}

TEST_F(FactsAboutTest, reads_no_more_than_256_MiB_of_them_together) {
  constexpr std::streamoff kMost = 256 << 20;
  std::filesystem::rename(file_, file_ + ".1");
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(file_ + ".1"));
  std::ofstream(file_) << R"({"event":"other"})" << '\n';
  std::fstream log(file_);
  for (std::streamoff at = 1 << 20; at < kMost; at += 1 << 20) log.seekp(at) << '\n';
  log.close();
  std::filesystem::resize_file(file_, static_cast<std::uintmax_t>(kMost - size));
  EXPECT_THAT(events(mine_), ElementsAre("received", "dsn", "delivered"));
  std::filesystem::resize_file(file_, static_cast<std::uintmax_t>(kMost - size + 1));
  EXPECT_THAT(events(mine_), ElementsAre("dsn", "delivered"));
}

TEST_F(FactsAboutTest, has_nothing_of_what_is_no_file) {
  EXPECT_THAT(facts_about("-", mine_), IsEmpty());
  EXPECT_THAT(facts_about("/dev/null", mine_), IsEmpty());
  EXPECT_THAT(facts_about(::testing::TempDir() + "/none", mine_), IsEmpty());
}

}  // namespace
}  // namespace signet::report
