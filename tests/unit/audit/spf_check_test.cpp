#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/audit/sample_facts.hpp"

namespace signet::audit {
namespace {

using align::SpfOutcome;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(SpfCheck, tells_the_term_and_the_lookups_of_each_address) {
  Facts facts = sample_facts();
  facts.addresses[1].spf.lookups = 3;
  const auto findings = check_spf(facts);
  EXPECT_THAT(brief(findings), ElementsAre("ok 192.0.2.1", "ok 192.0.2.2"));
  EXPECT_EQ(findings[1].words,
            "SPF of example.com passes for 192.0.2.2 by ip4:192.0.2.2 (3 of 10 lookups)");
}

TEST(SpfCheck, names_each_missing_address_with_one_record_for_all) {
  Facts facts = sample_facts();
  facts.addresses.push_back(sample_address("2001:db8::1", "mx3.example.com"));
  facts.spf_texts.texts = {"note", "v=spf1 ip4:192.0.2.1 include:other.example -all"};
  facts.addresses[1].spf.outcome = SpfOutcome::fail;
  facts.addresses[2].spf.outcome = SpfOutcome::softfail;
  const auto findings = check_spf(facts);
  EXPECT_THAT(brief(findings), ElementsAre("ok 192.0.2.1", "fail 192.0.2.2", "fail 2001:db8::1"));
  EXPECT_THAT(findings[1].words, HasSubstr("SPF of example.com does not list 192.0.2.2 (fail"));
  const auto record = R"(example.com. IN TXT ( "v=spf1 ip4:192.0.2.2 ip6:2001:db8::1 )"
                      R"(ip4:192.0.2.1 include:other.example -all" ))";
  EXPECT_THAT(findings[1].publish, ElementsAre(record));
  EXPECT_THAT(findings[2].publish, ElementsAre(record));
}

TEST(SpfCheck, offers_a_first_record_where_there_is_none) {
  Facts facts = sample_facts();
  facts.spf_texts.texts = {"note"};
  for (auto& each : facts.addresses) each.spf.outcome = SpfOutcome::none;
  const auto findings = check_spf(facts);
  EXPECT_EQ(findings[0].words, "example.com has no SPF record");
  EXPECT_THAT(findings[0].publish,
              ElementsAre(R"(example.com. IN TXT ( "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ~all" ))"));
}

TEST(SpfCheck, an_error_of_the_moment_is_unknown_and_offers_nothing) {
  Facts facts = sample_facts();
  facts.addresses[0].spf.outcome = SpfOutcome::temperror;
  const auto findings = check_spf(facts);
  EXPECT_THAT(brief(findings), ElementsAre("unknown 192.0.2.1", "ok 192.0.2.2"));
  EXPECT_THAT(findings[0].publish, IsEmpty());
}

TEST(SpfCheck, offers_no_record_while_the_present_one_is_unknown) {
  Facts facts = sample_facts();
  facts.addresses[0].spf.outcome = SpfOutcome::fail;
  facts.spf_texts = {.texts = {}, .error = "SERVFAIL"};
  EXPECT_THAT(check_spf(facts)[0].publish, IsEmpty());
}

TEST(SpfCheck, warns_from_eight_lookups_on) {
  for (const unsigned lookups : {0U, 7U, 8U, 10U, 11U}) {
    Facts facts = sample_facts();
    facts.whole_spf->lookups = lookups;
    const auto findings = check_spf(facts);
    EXPECT_EQ(worst(findings), lookups < 8 ? Level::ok : Level::warning) << lookups;
    if (lookups == 8) EXPECT_THAT(findings.back().words, HasSubstr("needs 8 of 10 lookups"));
    if (lookups == 11) EXPECT_THAT(findings.back().words, HasSubstr("needs more than 10 lookups"));
  }
}

TEST(SpfCheck, says_where_addresses_are_not_known) {
  Facts facts = sample_facts();
  facts.addresses.clear();
  facts.subject.ways.some_address_unknown = true;
  EXPECT_THAT(brief(check_spf(facts)), ElementsAre("warning "));
  facts.subject.ways = {};
  EXPECT_THAT(brief(check_spf(facts)), ElementsAre("note "));
  facts.subject.is_carried = false;
  EXPECT_THAT(check_spf(facts)[0].words, HasSubstr("no client may send as example.com"));
}

}  // namespace
}  // namespace signet::audit
