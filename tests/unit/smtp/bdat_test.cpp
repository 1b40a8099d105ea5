#include <gtest/gtest.h>

#include "relay/smtp/command.hpp"

namespace signet::smtp {
namespace {

TEST(Bdat, takes_a_size_and_last) {
  struct Row {
    std::string_view argument;
    std::uint64_t size;
    bool last;
  };
  for (const Row& row : {Row{"0", 0, false}, Row{"86", 86, false}, Row{"86 LAST", 86, true},
                         Row{"0 last", 0, true}, Row{"00000000000000000086 Last", 86, true},
                         Row{"18446744073709551615", UINT64_MAX, false}}) {
    const auto bdat = parse_bdat(row.argument);
    ASSERT_TRUE(bdat) << row.argument;
    EXPECT_EQ(bdat->size, row.size) << row.argument;
    EXPECT_EQ(bdat->last, row.last) << row.argument;
  }
}

TEST(Bdat, refuses_every_other_count) {
  for (const std::string_view argument : {"",
                                          " ",
                                          "LAST",
                                          "-1",
                                          "+1",
                                          "1.5",
                                          "0x10",
                                          "1e3",
                                          "1 2",
                                          " 1",
                                          "1  LAST",
                                          "1 LAST ",
                                          "1 LAST LAST",
                                          "1 FIRST",
                                          "1LAST",
                                          "1\tLAST",
                                          "18446744073709551616",
                                          "99999999999999999999",
                                          "000000000000000000086",
                                          "\xd9\xa1"}) {
    const auto bdat = parse_bdat(argument);
    ASSERT_FALSE(bdat) << argument;
    EXPECT_EQ(bdat.error().fault, Fault::bad_parameter) << argument;
  }
}

}  // namespace
}  // namespace signet::smtp
