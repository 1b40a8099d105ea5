#include "relay/align/dmarc_record.hpp"

#include <gmock/gmock.h>

namespace signet::align {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(DmarcRecord, begins_with_its_version) {
  for (const char* text : {"v=DMARC1", "v=DMARC1;", "v = DMARC1 ; p=none", "v=DMARC1;p=none"}) {
    EXPECT_TRUE(parse_dmarc_record(text)) << text;
  }
  for (const char* text :
       {"", "v", "v=", "v=dmarc1; p=none", "v=DMARC10; p=none", "V=DMARC1", "p=none; v=DMARC1",
        " v=DMARC1", "v=DMARC1 p=none", "x v=DMARC1", "v=spf1 -all", "vv=DMARC1", ";v=DMARC1"}) {
    EXPECT_FALSE(parse_dmarc_record(text)) << text;
  }
}

TEST(DmarcRecord, has_its_policies_and_modes) {
  const auto record = parse_dmarc_record(
      "v=DMARC1; p=Reject; sp=quarantine; np=none; adkim=s; aspf=S; psd=n; t=y; fo=1");
  ASSERT_TRUE(record);
  EXPECT_TRUE(record->is_usable);
  EXPECT_EQ(record->p, DmarcPolicy::reject);
  EXPECT_EQ(record->sp, DmarcPolicy::quarantine);
  EXPECT_EQ(record->np, DmarcPolicy::none);
  EXPECT_EQ(record->adkim, AlignmentMode::strict);
  EXPECT_EQ(record->aspf, AlignmentMode::strict);
  EXPECT_EQ(record->psd, PublicSuffixFlag::no);
  EXPECT_TRUE(record->is_test);
  EXPECT_THAT(record->problems, IsEmpty());
}

TEST(DmarcRecord, ignores_removed_tags_and_says_so) {
  const auto record = parse_dmarc_record("v=DMARC1; p=reject; pct=10; rf=afrf; ri=3600");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->p, DmarcPolicy::reject);
  EXPECT_THAT(record->problems,
              ElementsAre(HasSubstr("pct= was removed"), HasSubstr("rf= was removed"),
                          HasSubstr("ri= was removed")));
}

TEST(DmarcRecord, ignores_what_it_does_not_understand) {
  const auto record = parse_dmarc_record(
      "v=DMARC1; p=quarantine; x=1; nonsense; =; adkim=q; psd=maybe; t=; p=none;;");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->p, DmarcPolicy::quarantine);
  EXPECT_EQ(record->adkim, AlignmentMode::relaxed);
  EXPECT_EQ(record->psd, PublicSuffixFlag::unsaid);
  EXPECT_EQ(record->problems.size(), 7U);
}

// RFC 9989 4.10.1: what a policy that is not valid comes to.
TEST(DmarcRecord, without_a_valid_policy_needs_a_reporting_address) {
  struct Case {
    const char* text;
    bool is_usable;
  };
  for (const Case& each : {
           Case{"v=DMARC1", false},
           Case{"v=DMARC1; rua=mailto:a@example.com", true},
           Case{"v=DMARC1; p=bogus; rua=mailto:a@example.com", true},
           Case{"v=DMARC1; p=bogus", false},
           Case{"v=DMARC1; p=reject; sp=bogus", false},
           Case{"v=DMARC1; p=reject; np=bogus; rua=mailto:a@example.com", true},
           Case{"v=DMARC1; p=bogus; rua=nobody", false},
           Case{"v=DMARC1; p=bogus; rua=mailto:nobody", false},
           Case{"v=DMARC1; sp=reject; rua=https://example.com/report", true},
       }) {
    const auto record = parse_dmarc_record(each.text);
    ASSERT_TRUE(record) << each.text;
    EXPECT_EQ(record->is_usable, each.is_usable) << each.text;
    EXPECT_EQ(record->p, DmarcPolicy::none) << each.text;
    EXPECT_FALSE(record->sp || record->np) << each.text;
  }
}

TEST(DmarcRecord, has_its_reporting_addresses) {
  const auto record = parse_dmarc_record(
      "v=DMARC1;p=none;rua=mailto:a@example.com!10m , mailto:b@example.net;ruf=mailto:c%21@x.org");
  ASSERT_TRUE(record);
  EXPECT_THAT(record->rua, ElementsAre("mailto:a@example.com", "mailto:b@example.net"));
  EXPECT_THAT(record->ruf, ElementsAre("mailto:c%21@x.org"));
}

TEST(DmarcRecord, two_at_a_name_cancel_each_other) {
  const std::string one = "v=DMARC1; p=reject";
  const std::string other = "v=spf1 -all";
  EXPECT_TRUE(select_dmarc_record(std::vector{other, one, std::string("x")}));
  EXPECT_FALSE(select_dmarc_record(std::vector{one, one}));
  EXPECT_FALSE(select_dmarc_record(std::vector{other}));
  EXPECT_FALSE(select_dmarc_record({}));
}

TEST(DmarcRecord, is_bounded) {
  std::string text = "v=DMARC1; p=reject";
  for (int i = 0; i < 20000; ++i) text += ";a=b";
  const auto record = parse_dmarc_record(text);
  ASSERT_TRUE(record);
  EXPECT_LE(record->problems.size(), 20U);
  std::string uris = "v=DMARC1; p=none; rua=mailto:a@b";
  for (int i = 0; i < 20000; ++i) uris += ",mailto:a@b";
  EXPECT_LE(parse_dmarc_record(uris)->rua.size(), 20U);
}

}  // namespace
}  // namespace signet::align
