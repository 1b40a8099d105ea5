#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/audit/sample_facts.hpp"

namespace signet::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(MailHostsCheck, judges_the_mx) {
  Facts facts = sample_facts();
  EXPECT_EQ(worst(check_mail_hosts(facts)), Level::ok);
  facts.mail_hosts.records = {{0, ""}};
  EXPECT_EQ(worst(check_mail_hosts(facts)), Level::fail);
  facts.mail_hosts = {.has_address = true};
  EXPECT_EQ(worst(check_mail_hosts(facts)), Level::warning);
  facts.mail_hosts = {};
  const auto finding = check_mail_hosts(facts).at(0);
  EXPECT_EQ(finding.level, Level::fail);
  EXPECT_THAT(finding.publish, ElementsAre("example.com. IN MX 10 mx.example.com."));
  facts.mail_hosts.error = "SERVFAIL";
  EXPECT_EQ(worst(check_mail_hosts(facts)), Level::unknown);
}

TEST(ReverseDnsCheck, a_name_must_lead_back) {
  Facts facts = sample_facts();
  EXPECT_THAT(brief(check_reverse_dns(facts)), ElementsAre("ok 192.0.2.1", "ok 192.0.2.2"));
  facts.addresses[0].names = {};
  facts.addresses[1].names = {{"dial-up.isp.example", false}};
  const auto findings = check_reverse_dns(facts);
  EXPECT_THAT(brief(findings), ElementsAre("fail 192.0.2.1", "fail 192.0.2.2"));
  EXPECT_THAT(findings[0].publish, ElementsAre("1.2.0.192.in-addr.arpa. IN PTR mx1.example.com."));
  EXPECT_THAT(findings[1].words, HasSubstr("dial-up.isp.example, does not lead back"));
}

TEST(ReverseDnsCheck, one_name_of_several_is_enough) {
  Facts facts = sample_facts();
  facts.addresses[0].names = {{"old.example.com", false}, {"mx1.example.com", true}};
  facts.addresses[0].names_error = "SERVFAIL";
  EXPECT_EQ(check_reverse_dns(facts)[0].level, Level::ok);
}

TEST(ReverseDnsCheck, another_name_than_helo_is_a_note) {
  Facts facts = sample_facts();
  facts.addresses[0].names = {{"other.example.com", true}};
  EXPECT_EQ(check_reverse_dns(facts)[0].level, Level::note);
}

TEST(ReverseDnsCheck, a_dns_that_does_not_answer_is_unknown) {
  Facts facts = sample_facts();
  facts.addresses[0].names = {};
  facts.addresses[0].names_error = "SERVFAIL";
  EXPECT_EQ(check_reverse_dns(facts)[0].level, Level::unknown);
}

TEST(HeloCheck, the_name_must_lead_to_the_address) {
  Facts facts = sample_facts();
  EXPECT_THAT(brief(check_helo(facts)), ElementsAre("ok 192.0.2.1", "ok 192.0.2.2"));
  facts.addresses[0].helo_addresses = {};
  facts.addresses[1].helo_addresses = {address("198.51.100.1")};
  const auto findings = check_helo(facts);
  EXPECT_THAT(brief(findings), ElementsAre("fail 192.0.2.1", "fail 192.0.2.2"));
  EXPECT_THAT(findings[0].words, HasSubstr("mx1.example.com has no address"));
  EXPECT_THAT(findings[1].publish, ElementsAre("mx2.example.com. IN A 192.0.2.2"));
  facts.addresses[0].helo_error = "SERVFAIL";
  EXPECT_EQ(check_helo(facts)[0].level, Level::unknown);
}

TEST(HostChecks, a_private_address_is_a_warning_and_a_next_hop_not_ours_is_left_alone) {
  Facts facts = sample_facts();
  facts.addresses = {{.point = {address("10.0.0.1"), "mx1.example.com"}},
                     {.point = {address("198.51.100.1"), ""}}};
  EXPECT_THAT(brief(check_helo(facts)), ElementsAre("warning 10.0.0.1"));
  facts.addresses.erase(facts.addresses.begin());
  EXPECT_THAT(brief(check_reverse_dns(facts)), ElementsAre("note "));
}

}  // namespace
}  // namespace signet::audit
