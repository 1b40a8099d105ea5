#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/audit/sample_facts.hpp"

namespace signet::audit {
namespace {

using align::Discovery;
using align::DmarcPolicy;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Facts with_record(const std::string& text) {
  Facts facts = sample_facts();
  facts.own_dmarc_texts.texts = facts.dmarc_texts.texts = {text};
  return facts;
}

Facts without_record(std::vector<std::string> texts) {
  Facts facts = sample_facts();
  facts.own_dmarc_texts.texts = std::move(texts);
  facts.dmarc_texts = {};
  facts.destinations.clear();
  facts.policy = {.discovery = Discovery::no_record};
  return facts;
}

TEST(DmarcCheck, a_policy_of_reject_is_ok) {
  const auto findings = check_dmarc(sample_facts());
  EXPECT_THAT(brief(findings), ElementsAre("ok _dmarc.example.com"));
  EXPECT_THAT(findings[0].words, HasSubstr("is reject"));
}

TEST(DmarcCheck, none_is_a_note_and_a_test_is_said) {
  Facts facts = sample_facts();
  facts.policy.policy = facts.policy.declared = DmarcPolicy::none;
  EXPECT_THAT(brief(check_dmarc(facts)), ElementsAre("note _dmarc.example.com"));
  facts.policy.policy = DmarcPolicy::quarantine;
  facts.policy.declared = DmarcPolicy::reject;
  EXPECT_THAT(check_dmarc(facts)[0].words, HasSubstr("reject, lowered to quarantine by t=y"));
}

TEST(DmarcCheck, without_a_record_it_fails_and_offers_one) {
  const auto finding = check_dmarc(without_record({})).at(0);
  EXPECT_EQ(finding.level, Level::fail);
  EXPECT_EQ(finding.words, "example.com has no DMARC record");
  EXPECT_THAT(finding.publish, ElementsAre(R"(_dmarc.example.com. IN TXT ( "v=DMARC1; p=none; )"
                                           R"(rua=mailto:postmaster@example.com" ))"));
}

TEST(DmarcCheck, says_why_what_is_there_is_no_record) {
  EXPECT_THAT(check_dmarc(without_record({"dmarc1; p=none"}))[0].words,
              HasSubstr("must begin with v=DMARC1"));
  const auto several = check_dmarc(without_record({"v=DMARC1; p=none", "v=DMARC1; p=reject"}))[0];
  EXPECT_THAT(several.words, HasSubstr("several DMARC records"));
  EXPECT_EQ(several.level, Level::fail);
}

TEST(DmarcCheck, several_records_below_another_that_counts_fail_too) {
  Facts facts = sample_facts();
  facts.subject.domain = domain("news.example.com");
  facts.own_dmarc_texts.texts = {"v=DMARC1; p=none", "v=DMARC1; p=reject"};
  const auto findings = check_dmarc(facts);
  EXPECT_THAT(brief(findings),
              ElementsAre("fail _dmarc.news.example.com", "ok _dmarc.example.com"));
}

TEST(DmarcCheck, flags_each_removed_tag_with_a_record_that_has_none) {
  const auto findings =
      check_dmarc(with_record("v=DMARC1; p=reject; pct=50; rf=afrf; ri=1; rua=mailto:a@b.test"));
  EXPECT_THAT(brief(findings),
              ElementsAre("warning _dmarc.example.com", "warning _dmarc.example.com",
                          "warning _dmarc.example.com", "ok _dmarc.example.com"));
  EXPECT_EQ(findings[0].words, "pct= was removed from DMARC and is ignored");
  EXPECT_EQ(findings[1].words, "rf= was removed from DMARC and is ignored");
  EXPECT_EQ(findings[2].words, "ri= was removed from DMARC and is ignored");
  EXPECT_THAT(
      findings[0].publish,
      ElementsAre(R"(_dmarc.example.com. IN TXT ( "v=DMARC1; p=reject; rua=mailto:a@b.test" ))"));
}

TEST(DmarcCheck, a_policy_that_is_not_valid_fails) {
  EXPECT_EQ(worst(check_dmarc(with_record("v=DMARC1; p=rejekt; rua=mailto:a@b.test"))),
            Level::fail);
  EXPECT_EQ(worst(check_dmarc(with_record("v=DMARC1; p=reject; adkim=x"))), Level::warning);
}

TEST(DmarcCheck, a_dns_that_does_not_answer_is_unknown) {
  Facts facts = sample_facts();
  facts.policy = {.discovery = Discovery::unknown};
  facts.policy_error = "SERVFAIL";
  EXPECT_EQ(worst(check_dmarc(facts)), Level::unknown);
  EXPECT_EQ(worst(check_reports(facts)), Level::unknown);
  EXPECT_EQ(worst(check_bimi(facts)), Level::unknown);
}

TEST(ReportsCheck, reports_that_stay_within_the_domain_are_ok) {
  EXPECT_THAT(brief(check_reports(sample_facts())),
              ElementsAre("ok mailto:a@example.com", "ok mailto:f@example.com"));
}

TEST(ReportsCheck, missing_addresses_are_told) {
  Facts facts = with_record("v=DMARC1; p=reject");
  facts.destinations.clear();
  const auto findings = check_reports(facts);
  EXPECT_THAT(brief(findings),
              ElementsAre("warning _dmarc.example.com", "note _dmarc.example.com"));
  EXPECT_THAT(findings[0].publish,
              ElementsAre(R"(_dmarc.example.com. IN TXT ( "v=DMARC1; )"
                          R"(p=reject; rua=mailto:postmaster@example.com" ))"));
}

TEST(ReportsCheck, another_organization_must_say_that_it_takes_them) {
  Facts facts = sample_facts();
  Destination& to = facts.destinations[0];
  to = {.tag = "rua",
        .uri = "mailto:a@reports.example",
        .host = "reports.example",
        .is_external = true,
        .name = "example.com._report._dmarc.reports.example"};
  auto finding = check_reports(facts).at(0);
  EXPECT_EQ(finding.level, Level::fail);
  EXPECT_THAT(finding.publish,
              ElementsAre(R"(example.com._report._dmarc.reports.example. IN TXT ( "v=DMARC1" ))"));
  to.texts = {"note", "v=DMARC1;"};
  EXPECT_EQ(check_reports(facts)[0].level, Level::ok);
  to.texts = {"v=dmarc1"};
  EXPECT_EQ(check_reports(facts)[0].level, Level::fail);
  to.error = "SERVFAIL";
  EXPECT_EQ(check_reports(facts)[0].level, Level::unknown);
}

TEST(ReportsCheck, another_scheme_is_a_note) {
  Facts facts = sample_facts();
  facts.destinations[0] = {.tag = "rua", .uri = "https://r.example/x"};
  EXPECT_EQ(check_reports(facts)[0].level, Level::note);
}

TEST(BimiCheck, needs_quarantine_or_reject) {
  Facts facts = sample_facts();
  EXPECT_EQ(worst(check_bimi(facts)), Level::ok);
  facts.policy.policy = DmarcPolicy::quarantine;
  EXPECT_EQ(worst(check_bimi(facts)), Level::ok);
  facts.policy.policy = DmarcPolicy::none;
  EXPECT_EQ(worst(check_bimi(facts)), Level::note);
  facts.bimi.texts = {"v=BIMI1; l=https://example.com/logo.svg"};
  const auto finding = check_bimi(facts).at(0);
  EXPECT_EQ(finding.level, Level::fail);
  EXPECT_THAT(finding.publish, ElementsAre(HasSubstr("v=DMARC1; p=quarantine; ")));
  EXPECT_EQ(worst(check_bimi(without_record({}))), Level::note);
}

}  // namespace
}  // namespace signet::audit
