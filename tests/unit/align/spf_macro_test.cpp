#include "relay/align/spf_macro.hpp"

#include <gtest/gtest.h>

namespace signet::align {
namespace {

// The examples of RFC 7208 7.4.
MacroValues rfc_values(const char* address = "192.0.2.3") {
  return {.address = *IpAddress::parse(address),
          .sender_local = "strong-bad",
          .sender_domain = "email.example.com",
          .domain = "email.example.com",
          .helo = "mx.example.org",
          .time = ""};
}

struct Row {
  const char* macro;
  const char* expanded;
  const char* address = "192.0.2.3";
};

class Expansion : public testing::TestWithParam<Row> {};

TEST_P(Expansion, is_as_the_rfc_says) {
  const auto macro = MacroString::parse(GetParam().macro);
  ASSERT_TRUE(macro) << macro.error().detail;
  EXPECT_EQ(expand_domain(*macro, rfc_values(GetParam().address)), GetParam().expanded);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Expansion,
    testing::Values(
        Row{"%{s}", "strong-bad@email.example.com"}, Row{"%{o}", "email.example.com"},
        Row{"%{d4}", "email.example.com"}, Row{"%{d2}", "example.com"}, Row{"%{d1}", "com"},
        Row{"%{dr}", "com.example.email"}, Row{"%{d2r}", "example.email"},
        Row{"%{l}", "strong-bad"}, Row{"%{l-}", "strong.bad"}, Row{"%{lr}", "strong-bad"},
        Row{"%{lr-}", "bad.strong"}, Row{"%{l1r-}", "strong"},
        Row{"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
        Row{"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
        Row{"%{ir}.%{v}._spf.%{d2}",
            "1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.example.com",
            "2001:db8::cb01"},
        Row{"%{S}", "strong-bad%40email.example.com"}, Row{"a%%b%_c%-d.", "a%b c%20d"},
        Row{"%{p}.%{h}", "unknown.mx.example.org"},
        Row{"%{d99999999999999999999}", "email.example.com"}));

TEST(MacroString, drops_labels_on_the_left_of_a_long_name) {
  std::string spec;
  for (int i = 0; i < 2000; ++i) spec += "%{d}.";
  const auto macro = MacroString::parse_domain_spec(spec + "example.org");
  ASSERT_TRUE(macro);
  const auto name = expand_domain(*macro, rfc_values());
  EXPECT_EQ(name.size(), 13 * 18 + 4 + 11U);
  EXPECT_TRUE(name.starts_with("com.email.example.com."));
}

TEST(MacroString, an_explanation_may_have_blanks_and_three_more_letters) {
  const auto words = MacroString::parse_explanation("%{c} at %{t} for %{r}.");
  ASSERT_TRUE(words);
  auto values = rfc_values();
  values.time = "7";
  EXPECT_EQ(*expand_text(*words, values, 100), "192.0.2.3 at 7 for unknown.");
  EXPECT_FALSE(expand_text(*words, values, 10));
  EXPECT_FALSE(MacroString::parse("%{c}"));
  EXPECT_FALSE(MacroString::parse_explanation("\xef\xbb\xbf"));
}

TEST(MacroString, reverses_addresses) {
  EXPECT_EQ(reverse_name(*IpAddress::parse("192.0.2.3")), "3.2.0.192.in-addr.arpa");
  EXPECT_TRUE(reverse_name(*IpAddress::parse("2001:db8::1")).starts_with("1.0.0.0."));
}

}  // namespace
}  // namespace signet::align
