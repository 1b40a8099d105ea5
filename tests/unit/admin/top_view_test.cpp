#include "relay/admin/top_view.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace signet::admin {
namespace {

using std::chrono::seconds;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

TEST(ExpositionTest, reads_names_labels_and_values) {
  const auto samples = parse_exposition(
      "# HELP a words\n# TYPE a counter\na 1\nb{x=\"1\",y=\"a\\\\b\\\"c\\nd\"} 2.5e3\nc{} 3\n\n");
  ASSERT_THAT(samples, SizeIs(3));
  EXPECT_EQ(samples[0].name, "a");
  EXPECT_EQ(samples[0].value, 1);
  EXPECT_EQ(samples[1].labels.at("x"), "1");
  EXPECT_EQ(samples[1].labels.at("y"), "a\\b\"c\nd");
  EXPECT_EQ(samples[1].value, 2500);
  EXPECT_EQ(samples[2].name, "c");
}

TEST(ExpositionTest, leaves_out_what_it_does_not_understand) {
  for (const char* text :
       {"a", "a ", "{x=\"1\"} 1", "a{x=1} 1", "a{x=\"1} 1", "a{x", "a{", " 1", "a{x=\"1\\", "a x"})
    EXPECT_THAT(parse_exposition(text), SizeIs(0)) << text;
}

MetricsReading reading(double accepted, double refused, double delivered, seconds uptime) {
  const std::string text = fmt::format(
      "signet_build_info{{version=\"1.2\"}} 1\nsignet_ready 1\nsignet_queue_messages 1234\n"
      "signet_queue_oldest_seconds 7200\nsignet_queue_held_messages 5\nsignet_suspensions 1\n"
      "signet_messages_accepted_total{{client=\"a\"}} {0}\n"
      "signet_messages_accepted_total{{client=\"b\"}} {0}\n"
      "signet_messages_refused_total{{client=\"a\",cause=\"not_aligned\"}} {1}\n"
      "signet_messages_refused_total{{client=\"b\",cause=\"not_aligned\"}} {1}\n"
      "signet_messages_refused_total{{client=\"b\",cause=\"author_missing\"}} 3\n"
      "signet_delivery_attempts_total{{route=\"r\",result=\"delivered\"}} {2}\n"
      "signet_provider_attempts_total{{provider=\"google\",result=\"delivered\",cause=\"none\"}} "
      "{2}\n"
      "signet_provider_attempts_total{{provider=\"google\",result=\"deferred\",cause=\"rate\"}} 4\n"
      "signet_provider_attempts_total{{provider=\"other\",result=\"failed\",cause=\"x\"}} 1\n",
      accepted, refused, delivered);
  return {.samples = parse_exposition(text), .uptime = uptime};
}

TEST(TopViewTest, rates_are_of_the_time_between_two_readings) {
  const auto view = look_at(reading(30, 6, 20, seconds(110)), reading(20, 5, 10, seconds(100)));
  EXPECT_EQ(view.version, "1.2");
  EXPECT_TRUE(view.is_ready);
  EXPECT_EQ(view.gauges.at("messages"), 1234);
  EXPECT_DOUBLE_EQ(view.rates.at("accepted").per_second, 2);
  EXPECT_DOUBLE_EQ(view.rates.at("accepted").total, 60);
  EXPECT_DOUBLE_EQ(view.refusals.at("not_aligned").per_second, 0.2);
  EXPECT_DOUBLE_EQ(view.refusals.at("author_missing").per_second, 0);
  EXPECT_DOUBLE_EQ(view.providers.at("google").delivered.per_second, 1);
  EXPECT_DOUBLE_EQ(view.providers.at("other").failed.total, 1);
}

TEST(TopViewTest, rates_are_since_the_start_without_a_reading_before_or_after_a_restart) {
  const auto first = look_at(reading(50, 0, 0, seconds(100)), std::nullopt);
  EXPECT_DOUBLE_EQ(first.rates.at("accepted").per_second, 1);
  const auto anew = look_at(reading(5, 0, 0, seconds(10)), reading(500, 0, 0, seconds(1000)));
  EXPECT_DOUBLE_EQ(anew.rates.at("accepted").per_second, 1);
}

TEST(TopViewTest, a_frame_says_what_goes_on) {
  const auto view = look_at(reading(30, 6, 20, seconds(110)), reading(20, 5, 10, seconds(100)));
  const auto frame = frame_of(view, {.columns = 0, .rows = 0}, false);
  EXPECT_THAT(frame[0], HasSubstr("signet 1.2  ready"));
  EXPECT_EQ(frame[1],
            "queue   1234 messages, oldest 2h, 5 held; 1 suspended, 0 destinations backing off");
  EXPECT_THAT(frame[3], HasSubstr("2.0 accepted, 0.2 refused; 1.0 delivered"));
  EXPECT_THAT(frame[6], HasSubstr("google"));
  EXPECT_THAT(frame[10], HasSubstr("not_aligned"));
  EXPECT_THAT(frame, Each(Not(HasSubstr("\x1b"))));
}

TEST(TopViewTest, a_frame_fits_the_terminal) {
  const auto view = look_at(reading(30, 6, 20, seconds(110)), std::nullopt);
  const auto frame = frame_of(view, {.columns = 20, .rows = 7}, false);
  EXPECT_THAT(frame, SizeIs(7));
  for (const std::string& line : frame) EXPECT_LE(line.size(), 22U) << line;  // An ellipsis has 3.
}

TEST(TopViewTest, colours_are_there_when_they_are_wanted) {
  auto view = look_at(reading(30, 6, 20, seconds(110)), std::nullopt);
  EXPECT_THAT(frame_of(view, {}, true)[0], HasSubstr("\x1b[1msignet"));
  view.is_ready = false;
  EXPECT_THAT(frame_of(view, {}, true)[0], HasSubstr("\x1b[33msignet 1.2  NOT READY"));
}

TEST(TopViewTest, as_json_it_has_totals_and_rates) {
  const auto told = to_json(look_at(reading(30, 6, 20, seconds(60)), std::nullopt));
  EXPECT_EQ(told["rates"]["accepted"]["total"], 60);
  EXPECT_EQ(told["rates"]["accepted"]["per_second"], 1);
  EXPECT_EQ(told["gauges"]["held"], 5);
  EXPECT_EQ(told["providers"]["google"]["deferred"]["total"], 4);
}

}  // namespace
}  // namespace signet::admin
