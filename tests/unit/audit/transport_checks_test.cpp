#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/audit/sample_facts.hpp"

namespace signet::audit {
namespace {

using testing::ElementsAre;

TEST(TlsRptCheck, judges_the_record) {
  const std::vector<std::pair<std::vector<std::string>, Level>> cases{
      {{"v=TLSRPTv1; rua=mailto:a@b.test"}, Level::ok},
      {{"v=TLSRPTv1;rua=mailto:a@b.test,https://b.test/x;"}, Level::ok},
      {{"note", "v=TLSRPTv1; rua=https://b.test/x"}, Level::ok},
      {{}, Level::warning},
      {{"note"}, Level::warning},
      {{"v=TLSRPTv1"}, Level::fail},
      {{"v=TLSRPTv12; rua=mailto:a@b.test"}, Level::fail},
      {{"v=TLSRPTv1; rua=a@b.test"}, Level::fail},
      {{"v=TLSRPTv1; rua=mailto:a@b.test,x"}, Level::fail},
      {{"v=TLSRPTv1; rua=mailto:a@b.test", "v=TLSRPTv1; rua=mailto:c@b.test"}, Level::fail},
  };
  for (const auto& [texts, level] : cases) {
    Facts facts = sample_facts();
    facts.tls_rpt.texts = texts;
    EXPECT_EQ(worst(check_tls_rpt(facts)), level) << testing::PrintToString(texts);
  }
}

TEST(MtaStsCheck, judges_the_record) {
  const std::vector<std::pair<std::vector<std::string>, Level>> cases{
      {{"v=STSv1; id=1"}, Level::ok},
      {{"v=STSv1; id=12345678901234567890123456789012;"}, Level::ok},
      {{}, Level::warning},
      {{"v=STSv1"}, Level::fail},
      {{"v=STSv1; id="}, Level::fail},
      {{"v=STSv1; id=a-b"}, Level::fail},
      {{"v=STSv1; id=123456789012345678901234567890123"}, Level::fail},
      {{"v=STSv1; id=1", "v=STSv1; id=2"}, Level::fail},
  };
  for (const auto& [texts, level] : cases) {
    Facts facts = sample_facts();
    facts.mta_sts.texts = texts;
    EXPECT_EQ(worst(check_mta_sts(facts)), level) << testing::PrintToString(texts);
  }
}

TEST(TransportChecks, offer_a_record_and_know_an_error_of_the_moment) {
  Facts facts = sample_facts();
  facts.tls_rpt = facts.mta_sts = {};
  EXPECT_THAT(check_tls_rpt(facts)[0].publish,
              ElementsAre(R"(_smtp._tls.example.com. IN TXT ( "v=TLSRPTv1; )"
                          R"(rua=mailto:postmaster@example.com" ))"));
  EXPECT_THAT(check_mta_sts(facts)[0].publish,
              ElementsAre(R"(_mta-sts.example.com. IN TXT ( "v=STSv1; id=1" ))"));
  facts.tls_rpt.error = facts.mta_sts.error = "SERVFAIL";
  EXPECT_EQ(worst(check_tls_rpt(facts)), Level::unknown);
  EXPECT_EQ(worst(check_mta_sts(facts)), Level::unknown);
}

TEST(AllChecks, find_nothing_wrong_with_a_sound_domain_but_have_a_word_on_each) {
  Facts facts = sample_facts();
  const auto key = keys::PrivateKey::generate(keys::Algorithm::ed25519);
  facts.subject.keys = {{.selector = "s1",
                         .algorithm = keys::Algorithm::ed25519,
                         .public_base64 = key->public_base64(),
                         .record = key->dns_record()}};
  facts.key_texts = {{.texts = {key->dns_record()}}};
  const auto findings = check_all(facts);
  EXPECT_EQ(worst(findings), Level::ok);
  for (std::size_t i = 0; i < kChecks; ++i) {
    const auto check = static_cast<Check>(i);
    EXPECT_TRUE(std::ranges::any_of(findings, [&](const Finding& finding) {
      return finding.check == check;
    })) << name_of(check);
  }
}

}  // namespace
}  // namespace signet::audit
