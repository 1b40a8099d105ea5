#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "relay/report/delivery_log.hpp"

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

  const std::string file_ = ::testing::TempDir() + "/facts.log";
  const QueueId mine_{123456789};
  const QueueId other_{987654321};
};

TEST_F(FactsAboutTest, finds_the_facts_of_a_message_and_the_reports_about_it) {
  EXPECT_THAT(events(mine_), ElementsAre("received", "dsn", "delivered"));
}

TEST_F(FactsAboutTest, keeps_the_newest) {
  EXPECT_THAT(events(mine_, 2), ElementsAre("dsn", "delivered"));
}

TEST_F(FactsAboutTest, has_nothing_of_what_is_no_file) {
  EXPECT_THAT(facts_about("-", mine_), IsEmpty());
  EXPECT_THAT(facts_about("/dev/null", mine_), IsEmpty());
  EXPECT_THAT(facts_about(::testing::TempDir() + "/none", mine_), IsEmpty());
}

}  // namespace
}  // namespace signet::report
