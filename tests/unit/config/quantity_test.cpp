#include "config/quantity.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace signet::config {
namespace {

constexpr std::int64_t kNone = -1;

struct Case {
  std::string text;
  std::int64_t value;  ///< kNone: refused.
};

TEST(QuantityTest, durations_are_a_number_and_a_unit) {
  const std::vector<Case> cases{
      {"500ms", 500},      {"30s", 30'000},  {"5m", 300'000},    {"4h", 14'400'000},
      {"12d", 1036800000}, {"0s", 0},        {"1 h", 3'600'000}, {"3650d", 315360000000},
      {"3651d", kNone},    {"", kNone},      {"5", kNone},       {"m", kNone},
      {"-5m", kNone},      {"+5m", kNone},   {"5M", kNone},      {"5m ", kNone},
      {" 5m", kNone},      {"1h30m", kNone}, {"1.5h", kNone},    {"99999999999999999999s", kNone}};
  for (const Case& c : cases) {
    const auto parsed = parse_duration(c.text);
    EXPECT_EQ(parsed ? parsed->count() : kNone, c.value) << c.text;
  }
}

TEST(QuantityTest, sizes_are_a_number_and_a_binary_unit) {
  const std::vector<Case> cases{{"100 B", 100},
                                {"512 KiB", 524288},
                                {"25 MiB", 26214400},
                                {"25MiB", 26214400},
                                {"1 GiB", 1073741824},
                                {"1 TiB", 1099511627776},
                                {"0 B", 0},
                                {"25", kNone},
                                {"25 MB", kNone},
                                {"25 mib", kNone},
                                {"25  MiB", kNone},
                                {"MiB", kNone},
                                {"-1 MiB", kNone},
                                {"9007199254740993 TiB", kNone}};
  for (const Case& c : cases) {
    const auto parsed = parse_size(c.text);
    EXPECT_EQ(parsed ? static_cast<std::int64_t>(*parsed) : kNone, c.value) << c.text;
  }
}

}  // namespace
}  // namespace signet::config
