#include "monitoring/audit/survey.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/run_task.hpp"
#include "tests/support/table_resolver.hpp"
#include "tests/unit/audit/sample_facts.hpp"

namespace signet::audit {
namespace {

using align::Discovery;
using align::SpfOutcome;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

constexpr auto kZone = R"(example.com TXT v=spf1 include:spf.example.com -all
spf.example.com TXT v=spf1 ip4:192.0.2.1 a:h.example.com -all
h.example.com A 192.0.2.9
example.com MX 10 mx.example.com
1.2.0.192.in-addr.arpa PTR mx1.example.com
mx1.example.com A 192.0.2.1
2.2.0.192.in-addr.arpa PTR stray.example.com
mx2.example.com A 192.0.2.1
_dmarc.example.com TXT v=DMARC1; p=reject; rua=mailto:a@mail.example.com,mailto:b@other.test
example.com._report._dmarc.other.test TXT v=DMARC1
s1._domainkey.example.com TXT v=DKIM1; p=x
_smtp._tls.example.com TXT v=TLSRPTv1; rua=mailto:a@example.com)";

class SurveyTest : public testing::Test {
 protected:
  Facts ask(const std::string& zone, const char* name = "example.com") {
    resolver_ = test::TableResolver(zone);
    Subject subject{.domain = domain(name), .is_carried = true, .signing_domain = domain(name)};
    subject.ways = {.leads_outside = true,
                    .points = {{address("192.0.2.1"), "mx1.example.com"},
                               {address("192.0.2.2"), "mx2.example.com"}}};
    subject.keys = {{.selector = "s1"}};
    return test::run_task(loop_, survey(resolver_, loop_, clock_, nullptr, std::move(subject)));
  }
  [[nodiscard]] std::ptrdiff_t times_asked(const std::string& name) const {
    return std::ranges::count(resolver_.asked(), name);
  }

  net::Loop loop_;
  SystemClock clock_;
  test::TableResolver resolver_;
};

TEST_F(SurveyTest, gathers_what_the_dns_says) {
  const Facts facts = ask(kZone);
  ASSERT_EQ(facts.addresses.size(), 2U);
  EXPECT_EQ(facts.addresses[0].spf.outcome, SpfOutcome::pass);
  EXPECT_EQ(facts.addresses[1].spf.outcome, SpfOutcome::fail);
  EXPECT_EQ(facts.whole_spf->lookups, 2U);
  EXPECT_EQ(facts.spf_texts.texts.size(), 1U);
  EXPECT_TRUE(facts.addresses[0].names.at(0).leads_back);
  EXPECT_FALSE(facts.addresses[1].names.at(0).leads_back);
  EXPECT_THAT(facts.addresses[1].helo_addresses, ElementsAre(address("192.0.2.1")));
  EXPECT_EQ(facts.policy.discovery, Discovery::found);
  EXPECT_THAT(facts.key_texts.at(0).texts, ElementsAre("v=DKIM1; p=x"));
  EXPECT_EQ(facts.mail_hosts.records.at(0).host, "mx.example.com");
  EXPECT_EQ(facts.tls_rpt.texts.size(), 1U);
  EXPECT_TRUE(facts.mta_sts.texts.empty());
}

TEST_F(SurveyTest, only_another_organization_is_asked_whether_it_takes_reports) {
  const Facts facts = ask(kZone);
  ASSERT_EQ(facts.destinations.size(), 2U);
  EXPECT_FALSE(facts.destinations[0].is_external);
  EXPECT_TRUE(facts.destinations[1].is_external);
  EXPECT_EQ(facts.destinations[1].name, "example.com._report._dmarc.other.test");
  EXPECT_THAT(facts.destinations[1].texts, ElementsAre("v=DMARC1"));
  EXPECT_THAT(resolver_.asked(), Not(Contains("example.com._report._dmarc.mail.example.com")));
}

TEST_F(SurveyTest, asks_each_question_once_for_all_addresses) {
  (void)ask(kZone);
  EXPECT_EQ(times_asked("spf.example.com"), 1);
  EXPECT_EQ(times_asked("h.example.com"), 1);
  EXPECT_EQ(times_asked("_dmarc.example.com"), 1);
}

TEST_F(SurveyTest, a_subdomain_has_the_policy_of_its_parent) {
  const Facts facts = ask(kZone, "news.example.com");
  EXPECT_EQ(facts.policy.domain, "example.com");
  EXPECT_TRUE(facts.own_dmarc_texts.texts.empty());
  EXPECT_EQ(facts.dmarc_texts.texts.size(), 1U);
  EXPECT_EQ(facts.addresses[0].spf.outcome, SpfOutcome::none);
}

TEST_F(SurveyTest, what_does_not_answer_is_an_error_everywhere) {
  std::string zone;
  for (const char* name :
       {"example.com", "_dmarc.example.com", "_dmarc.com", "s1._domainkey.example.com",
        "1.2.0.192.in-addr.arpa", "2.2.0.192.in-addr.arpa", "mx1.example.com", "mx2.example.com",
        "_smtp._tls.example.com", "_mta-sts.example.com", "default._bimi.example.com"})
    zone += std::string(name) + " TIMEOUT\n";
  Facts facts = ask(zone);
  facts.subject.is_in_store = true;
  const Findings findings = check_all(facts);
  for (std::size_t i = 0; i < kChecks; ++i) {
    const auto check = static_cast<Check>(i);
    if (check != Check::dkim) EXPECT_EQ(worst(findings, check), Level::unknown) << name_of(check);
  }
}

TEST_F(SurveyTest, a_private_address_is_not_asked_about) {
  Subject subject{.domain = domain("example.com"), .signing_domain = domain("example.com")};
  subject.ways.points = {{address("10.0.0.1"), "mx1.example.com"}, {address("198.51.100.1"), ""}};
  const Facts facts =
      test::run_task(loop_, survey(resolver_, loop_, clock_, nullptr, std::move(subject)));
  EXPECT_FALSE(facts.addresses[0].is_checked);
  EXPECT_FALSE(facts.addresses[1].is_checked);
  EXPECT_EQ(times_asked("1.0.0.10.in-addr.arpa"), 0);
}

TEST_F(SurveyTest, waits_for_its_turn_before_each_question) {
  resolver_ = test::TableResolver(kZone);
  Pace pace(500);
  Subject subject{.domain = domain("example.com"), .signing_domain = domain("example.com")};
  const SteadyTime began = clock_.steady();
  (void)test::run_task(loop_, survey(resolver_, loop_, clock_, &pace, std::move(subject)));
  const auto took = clock_.steady() - began;
  EXPECT_GE(took, std::chrono::milliseconds(2) * (resolver_.asked().size() - 1));
}

}  // namespace
}  // namespace signet::audit
