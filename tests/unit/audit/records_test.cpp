#include "monitoring/audit/records.hpp"

#include <gtest/gtest.h>

#include "relay/align/spf_record.hpp"
#include "tests/unit/audit/sample_facts.hpp"

namespace signet::audit {
namespace {

using Texts = std::vector<std::string>;

struct SpfCase {
  Texts texts;
  std::string mended;
};

TEST(Records, mends_spf) {
  const std::vector<IpAddress> missing{address("192.0.2.7")};
  const std::vector<SpfCase> cases{
      {{}, "v=spf1 ip4:192.0.2.7 ~all"},
      {{"v=spf1"}, "v=spf1 ip4:192.0.2.7"},
      {{"v=spf1 redirect=a.test"}, "v=spf1 ip4:192.0.2.7 redirect=a.test"},
      {{"V=SPF1 a -all exp=e.test"}, "v=spf1 ip4:192.0.2.7 a -all exp=e.test"},
      // What can't be read is left out.
      {{"v=spf1 ipv4:192.0.2.1 mx ip4:300.1.1.1 -all"}, "v=spf1 ip4:192.0.2.7 mx -all"},
      // Several become one, whose end comes last.
      {{"v=spf1 include:a.test -all", "x", "v=spf1 include:b.test ~all"},
       "v=spf1 ip4:192.0.2.7 include:a.test include:b.test ~all"},
      {{"v=spf1 redirect=a.test", "v=spf1 a -all"}, "v=spf1 ip4:192.0.2.7 a -all"},
  };
  for (const auto& [texts, mended] : cases) {
    EXPECT_EQ(mended_spf(texts, missing), mended);
    EXPECT_TRUE(align::parse_spf_record(mended));
  }
}

TEST(Records, mends_dmarc) {
  const std::vector<std::pair<Texts, std::string>> cases{
      {{}, "v=DMARC1; p=none; rua=mailto:postmaster@example.com"},
      {{"v=DMARC1; p=reject; pct=50; rf=afrf; ri=86400; rua=mailto:a@b.test"},
       "v=DMARC1; p=reject; rua=mailto:a@b.test"},
      {{"v=DMARC1; p=rejekt; sp=none"},
       "v=DMARC1; p=none; sp=none; rua=mailto:postmaster@example.com"},
      {{"v=DMARC1;rua=mailto:a@b.test ;p=quarantine; adkim=s;adkim=r; what"},
       "v=DMARC1; p=quarantine; rua=mailto:a@b.test; adkim=s"},
      {{"note", "v=DMARC1; p=reject; rua=mailto:a@b.test", "v=DMARC1; p=none"},
       "v=DMARC1; p=reject; rua=mailto:a@b.test"},
  };
  for (const auto& [texts, mended] : cases) {
    EXPECT_EQ(mended_dmarc(texts, "example.com"), mended);
    const auto record = align::parse_dmarc_record(mended);
    ASSERT_TRUE(record);
    EXPECT_TRUE(record->problems.empty()) << mended;
  }
}

TEST(Records, changes_a_policy_in_earnest_and_for_subdomains) {
  EXPECT_EQ(with_policy("v=DMARC1; p=none; sp=none; t=y; rua=mailto:a@b.test",
                        align::DmarcPolicy::quarantine),
            "v=DMARC1; p=quarantine; rua=mailto:a@b.test");
}

TEST(Records, writes_lines_of_a_zone) {
  EXPECT_EQ(address_line("mx.a.test", address("192.0.2.7")), "mx.a.test. IN A 192.0.2.7");
  EXPECT_EQ(address_line("mx.a.test", address("2001:db8::7")), "mx.a.test. IN AAAA 2001:db8::7");
  EXPECT_EQ(pointer_line(address("192.0.2.7"), "mx.a.test"),
            "7.2.0.192.in-addr.arpa. IN PTR mx.a.test.");
}

}  // namespace
}  // namespace signet::audit
