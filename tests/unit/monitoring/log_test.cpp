#include "monitoring/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

namespace signet::monitoring {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(LogTest, a_line_is_json_with_time_level_and_message) {
  EXPECT_EQ(json_line(WallTime{std::chrono::milliseconds{1795454607023}}, "info", "up"),
            R"({"time":"2026-11-23T17:23:27.023Z","level":"info","message":"up"})"
            "\n");
}

TEST(LogTest, a_peer_cannot_forge_a_line) {
  EXPECT_THAT(json_line({}, "info", "a\n{\"level\":\"x\"}\xFF"),
              HasSubstr("\"message\":\"a\\n{\\\"level\\\":\\\"x\\\"}\xEF\xBF\xBD\"}\n"));
}

TEST(LogTest, writes_to_standard_error_what_its_level_admits) {
  ::testing::internal::CaptureStderr();
  set_up_log("warning");
  spdlog::info("not this");
  spdlog::warn("but {}", "this");
  set_log_level("info");
  spdlog::info("and this");
  EXPECT_EQ(dropped_log_lines(), 0U);
  shut_down_log();
  const std::string written = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, HasSubstr("\"level\":\"warning\",\"message\":\"but this\"}\n"));
  EXPECT_THAT(written, HasSubstr("\"level\":\"info\",\"message\":\"and this\"}\n"));
  EXPECT_THAT(written, Not(HasSubstr("not this")));
}

}  // namespace
}  // namespace signet::monitoring
