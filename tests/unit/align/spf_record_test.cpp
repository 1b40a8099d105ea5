#include "relay/align/spf_record.hpp"

#include <gtest/gtest.h>

namespace signet::align {
namespace {

TEST(SpfRecord, knows_the_version_by_what_follows) {
  for (const char* text : {"v=spf1", "V=SpF1", "v=spf1 ", "v=spf1 -all"}) {
    EXPECT_TRUE(is_spf_record(text)) << text;
  }
  for (const char* text : {"", "v=spf", "v=spf10", "v=spf1-all", " v=spf1", "v=spf2.0/pra"}) {
    EXPECT_FALSE(is_spf_record(text)) << text;
  }
}

TEST(SpfRecord, reads_directives_and_modifiers) {
  const auto record = parse_spf_record(
      "v=spf1 ~A:foo:bar/baz.example.com/24//64  -ip4:10.0.0.0/8 ?mx//0 exists:%{ir}.%{d2} "
      "moo.x_y-1=%{d}/= redirect=%{d}.example.com exp=why.example.com. ");
  ASSERT_TRUE(record) << record.error().detail;
  ASSERT_EQ(record->directives.size(), 4U);
  const auto& a = record->directives[0];
  EXPECT_EQ(a.outcome, SpfOutcome::softfail);
  EXPECT_EQ(a.mechanism, SpfMechanism::a);
  EXPECT_EQ(a.target->parts().front().literal, "foo:bar/baz.example.com");
  EXPECT_EQ(a.prefix4, 24U);
  EXPECT_EQ(a.prefix6, 64U);
  EXPECT_EQ(a.text, "~A:foo:bar/baz.example.com/24//64");
  EXPECT_EQ(record->directives[1].network, std::string("\x0a\0\0\0", 4));
  EXPECT_EQ(record->directives[2].prefix4, 32U);
  EXPECT_EQ(record->directives[2].prefix6, 0U);
  EXPECT_EQ(record->redirect->domain_spec, "%{d}.example.com");
  EXPECT_EQ(record->explanation->domain_spec, "why.example.com.");
}

class WrongTerm : public testing::TestWithParam<const char*> {};

TEST_P(WrongTerm, makes_the_whole_record_an_error) {
  const auto record = parse_spf_record("v=spf1 +all " + std::string(GetParam()));
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().fault, Fault::bad_parameter);
  EXPECT_TRUE(record.error().detail.starts_with("term \"")) << record.error().detail;
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongTerm,
    testing::Values("moo", "all:", "all/8", "-all.", "--all", "+", "a:", "a/", "a//", "a/33",
                    "a//129", "a/08", "a/24/24", "a/4294967328", "a:host", "a:x.123", "a:x.-com",
                    "a:x.com-", "a:x.com:25", "a:x.com,", "a:%", "a:%a.com", "a:%{d", "a:%{}",
                    "a:%{x}.com", "a:%{d0}.com", "a:%{d-r}.com", "a:%{d2*}.com", "a:%{c}.com",
                    "a:%{d}com", "a:%{d}.", "include", "include:", "exists", "exists:a.com/24",
                    "ptr/24", "ip4", "ip4:1.2.3", "ip4:1.2.3.04", "ip4:1.2.3.4/33",
                    "ip4:1.2.3.4//32", "ip4:1.2.3.4:25", "ip6:1.2.3.4", "ip6:::1/129",
                    "ip6:::1//64", "ip6:fe80::1%1", "redirect=", "redirect:a.com",
                    "+redirect=a.com", "exp=-all", "=a", "1x=y", "x=%", "x=%{t}", "x=\x7f", "a\tb",
                    "\x80", "redirect=a.com REDIRECT=b.com", "exp=a.com exp=a.com"));

TEST(SpfRecord, compares_prefixes_of_one_family) {
  const std::string seven("\xc0\x00\x02\x07", 4);
  const std::string eight("\xc0\x00\x02\x08", 4);
  EXPECT_TRUE(in_network(seven, 32, seven));
  EXPECT_FALSE(in_network(seven, 32, eight));
  EXPECT_FALSE(in_network(seven, 29, eight));
  EXPECT_TRUE(in_network(seven, 28, eight));
  EXPECT_TRUE(in_network(seven, 0, eight));
  EXPECT_FALSE(in_network(seven, 33, seven));
  EXPECT_FALSE(in_network(seven, 0, std::string(16, '\0')));
}

TEST(SpfRecord, shows_only_what_a_log_line_can_bear) {
  EXPECT_EQ(shown("a\r\nb\x80"), "a??b?");
  EXPECT_EQ(shown(std::string(1000, 'a')).size(), 258U);
}

}  // namespace
}  // namespace signet::align
