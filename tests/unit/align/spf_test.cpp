#include "relay/align/spf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/run_task.hpp"
#include "tests/support/table_resolver.hpp"

namespace signet::align {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class Spf : public testing::Test {
 protected:
  SpfResult check(const std::string& zone, const std::string& domain,
                  const char* ip = "192.0.2.7") {
    resolver_ = test::TableResolver(zone);
    question_ = {*IpAddress::parse(ip), "ann", domain, "mail.example.com"};
    return test::run_task(loop_, check_host(resolver_, loop_, question_, limits_));
  }
  SpfOutcome outcome(const std::string& zone, const char* ip = "192.0.2.7") {
    return check(zone, "a.test", ip).outcome;
  }

  net::Loop loop_;
  test::TableResolver resolver_;
  SpfQuestion question_;
  SpfLimits limits_;
};

TEST_F(Spf, tells_the_term_and_the_way_to_it) {
  const auto result = check(
      "a.test TXT v=spf1 ~include:b.test -all\nb.test TXT v=spf1 redirect=c.test\n"
      "c.test TXT v=spf1 ip4:192.0.2.0/24",
      "a.test");
  EXPECT_EQ(result.outcome, SpfOutcome::softfail);
  EXPECT_EQ(result.term, "ip4:192.0.2.0/24");
  EXPECT_THAT(result.chain, ElementsAre("a.test", "b.test", "c.test"));
  EXPECT_EQ(result.reason,
            "ip4:192.0.2.0/24 of c.test matches 192.0.2.7, by ~include:b.test of a.test");
  EXPECT_EQ(result.lookups, 2U);
}

TEST_F(Spf, tells_where_an_error_is) {
  const auto result =
      check("a.test TXT v=spf1 include:b.test -all\nb.test TXT v=spf1 moo", "a.test");
  EXPECT_EQ(result.outcome, SpfOutcome::permerror);
  EXPECT_THAT(result.chain, ElementsAre("a.test", "b.test"));
  EXPECT_EQ(result.reason, "b.test: term \"moo\": no such mechanism");
  const auto none = check("a.test TXT v=spf1 include:b.test -all", "a.test");
  EXPECT_EQ(none.outcome, SpfOutcome::permerror);
  EXPECT_EQ(none.term, "include:b.test");
  EXPECT_THAT(none.reason, HasSubstr("b.test: no SPF record"));
}

TEST_F(Spf, keeps_the_least_time_to_live) {
  const std::string zone = "a.test TXT v=spf1 a:h.test -all\nh.test A 192.0.2.7";
  test::TableResolver resolver(zone);
  resolver.set_ttl("h.test", std::chrono::seconds(7));
  const SpfQuestion question{*IpAddress::parse("192.0.2.7"), "ann", "a.test", "h"};
  const auto result = test::run_task(loop_, check_host(resolver, loop_, question, limits_));
  EXPECT_EQ(result.outcome, SpfOutcome::pass);
  EXPECT_EQ(result.ttl, std::chrono::seconds(7));
}

TEST_F(Spf, counts_one_void_lookup_for_a_term_however_many_hosts_have_no_address) {
  const std::string zone =
      "a.test TXT v=spf1 mx ?all\na.test MX 1 h1.test\na.test MX 2 h2.test\na.test MX 3 h3.test\n"
      "h1.test A 192.0.2.7\nh2.test A 192.0.2.8\nh3.test A 192.0.2.9";
  const auto result = check(zone, "a.test", "2001:db8::1");
  EXPECT_EQ(result.outcome, SpfOutcome::neutral);
  EXPECT_EQ(result.void_lookups, 1U);
}

TEST_F(Spf, counts_void_lookups_of_included_records) {
  const auto result = check(
      "a.test TXT v=spf1 a:v1.test include:b.test ?all\nb.test TXT v=spf1 a:v2.test a:v3.test +all",
      "a.test");
  EXPECT_EQ(result.outcome, SpfOutcome::permerror);
  EXPECT_EQ(result.term, "a:v3.test");
  EXPECT_EQ(result.void_lookups, 3U);
}

TEST_F(Spf, a_silent_server_ends_at_the_deadline) {
  limits_.deadline = std::chrono::milliseconds(50);
  const auto first = check("a.test SILENT", "a.test");
  EXPECT_EQ(first.outcome, SpfOutcome::temperror);
  EXPECT_THAT(first.reason, HasSubstr("no time left"));
  EXPECT_EQ(outcome("a.test TXT v=spf1 ptr +all\n7.2.0.192.in-addr.arpa SILENT"),
            SpfOutcome::temperror);
}

TEST_F(Spf, the_number_of_questions_is_bounded) {
  std::string zone = "a.test TXT v=spf1";
  for (int i = 0; i < 10; ++i) zone += " mx:m" + std::to_string(i) + ".test";
  for (int i = 0; i < 10; ++i) {
    for (int j = 0; j < 10; ++j) {
      const std::string host = "h" + std::to_string(j) + ".m" + std::to_string(i) + ".test";
      zone += "\nm" + std::to_string(i) + ".test MX 1 " + host + "\n" + host + " A 192.0.2.1";
    }
  }
  EXPECT_EQ(outcome(zone), SpfOutcome::neutral);
  EXPECT_EQ(resolver_.asked().size(), 111U);
  limits_.questions = 50;
  EXPECT_EQ(outcome(zone), SpfOutcome::permerror);
  EXPECT_EQ(resolver_.asked().size(), 50U);
}

TEST_F(Spf, asks_for_the_names_of_the_address_once) {
  EXPECT_EQ(outcome("a.test TXT v=spf1 ptr:x.test exists:%{p}.y.test ptr:h.test -all\n"
                    "7.2.0.192.in-addr.arpa PTR h.test\nh.test A 192.0.2.7"),
            SpfOutcome::pass);
  EXPECT_THAT(resolver_.asked(),
              ElementsAre("a.test", "7.2.0.192.in-addr.arpa", "h.test", "h.test.y.test"));
}

TEST_F(Spf, takes_domains_with_unicode_letters_and_refuses_what_is_none) {
  EXPECT_EQ(check("xn--bcher-kva.test TXT v=spf1 +all",
                  "b\xc3\xbc"
                  "cher.test")
                .outcome,
            SpfOutcome::pass);
  EXPECT_EQ(check("a.test TXT v=spf1 +all", "a.test.").outcome, SpfOutcome::pass);
  for (const char* domain : {"", "test", ".", "a..test", "[192.0.2.7]", "\xff\xfe.test"}) {
    EXPECT_EQ(check("test TXT v=spf1 +all", domain).outcome, SpfOutcome::none) << domain;
    EXPECT_TRUE(resolver_.asked().empty()) << domain;
  }
}

TEST_F(Spf, an_ipv4_mapped_network_never_matches_ipv4) {
  EXPECT_EQ(outcome("a.test TXT v=spf1 ip6:::ffff:192.0.2.7 ?all"), SpfOutcome::neutral);
  EXPECT_EQ(outcome("a.test TXT v=spf1 ip6:::/0 ?all", "2001:db8::1"), SpfOutcome::pass);
}

TEST_F(Spf, the_explanation_is_fetched_only_when_asked_for) {
  const std::string zone =
      "a.test TXT v=spf1 -all exp=why.%{d}\nwhy.a.test TXT %{i} is not of |%{d}";
  const auto result = check(zone, "a.test");
  EXPECT_EQ(result.outcome, SpfOutcome::fail);
  EXPECT_THAT(resolver_.asked(), ElementsAre("a.test"));
  EXPECT_EQ(test::run_task(loop_, explain(resolver_, loop_, question_, result, limits_)),
            "192.0.2.7 is not of a.test");
  EXPECT_THAT(resolver_.asked(), ElementsAre("a.test", "why.a.test"));
}

TEST_F(Spf, names_are_the_words_of_the_rfc) {
  EXPECT_EQ(name_of(SpfOutcome::none), "none");
  EXPECT_EQ(name_of(SpfOutcome::softfail), "softfail");
  EXPECT_EQ(name_of(SpfOutcome::permerror), "permerror");
}

}  // namespace
}  // namespace signet::align
