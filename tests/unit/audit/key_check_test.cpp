#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/audit/sample_facts.hpp"

namespace signet::audit {
namespace {

using keys::KeyState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class KeyCheck : public testing::Test {
 protected:
  static StoredKey make_key(KeyState state) {
    const auto key = keys::PrivateKey::generate(keys::Algorithm::ed25519);
    return {.selector = "s1",
            .state = state,
            .algorithm = keys::Algorithm::ed25519,
            .public_base64 = key->public_base64(),
            .record = key->dns_record()};
  }
  Finding judge(StoredKey key, align::Texts texts) {
    Facts facts = sample_facts();
    facts.subject.keys = {std::move(key), active_};
    facts.key_texts = {std::move(texts), {.texts = {active_.record}}};
    return check_keys(facts).at(0);
  }

  StoredKey active_ = make_key(KeyState::active);
};

TEST_F(KeyCheck, our_record_is_ok) {
  for (const auto state :
       {KeyState::published, KeyState::verified, KeyState::active, KeyState::retiring}) {
    const StoredKey key = make_key(state);
    const auto finding = judge(key, {.texts = {key.record}});
    EXPECT_EQ(finding.level, Level::ok) << keys::name_of(state);
    EXPECT_EQ(finding.subject, "s1._domainkey.example.com");
  }
}

TEST_F(KeyCheck, a_missing_or_other_record_fails_with_the_record_to_publish) {
  const StoredKey key = make_key(KeyState::active);
  const std::string line = "s1._domainkey.example.com. IN TXT ( \"" + key.record + "\" )";
  const std::vector<std::pair<align::Texts, std::string>> cases{
      {{}, "is not in DNS"},
      {{.texts = {make_key(KeyState::active).record}}, "holds another key"},
      {{.texts = {"v=DKIM1; k=ed25519; p="}}, "is revoked"},
      {{.texts = {key.record + "; t=y"}}, "is marked as a test"},
      {{.texts = {key.record, key.record}}, "has several TXT records"},
  };
  for (const auto& [texts, words] : cases) {
    const auto finding = judge(key, texts);
    EXPECT_EQ(finding.level, Level::fail) << words;
    EXPECT_THAT(finding.words, HasSubstr("s1._domainkey.example.com " + words));
    EXPECT_THAT(finding.publish, ElementsAre(line));
  }
}

TEST_F(KeyCheck, a_record_on_its_way_may_be_missing_but_not_wrong) {
  EXPECT_EQ(judge(make_key(KeyState::published), {}).level, Level::warning);
  EXPECT_EQ(judge(make_key(KeyState::published), {.texts = {active_.record}}).level, Level::fail);
  EXPECT_EQ(judge(make_key(KeyState::verified), {}).level, Level::fail);
  EXPECT_EQ(judge(make_key(KeyState::retiring), {}).level, Level::fail);
  EXPECT_EQ(judge(make_key(KeyState::generated), {}).level, Level::note);
}

TEST_F(KeyCheck, a_revoked_key_should_be_gone) {
  const StoredKey key = make_key(KeyState::revoked);
  EXPECT_EQ(judge(key, {}).level, Level::ok);
  EXPECT_EQ(judge(key, {.texts = {"v=DKIM1; p="}}).level, Level::ok);
  const auto finding = judge(key, {.texts = {key.record}});
  EXPECT_EQ(finding.level, Level::warning);
  EXPECT_THAT(finding.publish,
              ElementsAre(R"(s1._domainkey.example.com. IN TXT ( "v=DKIM1; p=" ))"));
}

TEST_F(KeyCheck, a_dns_that_does_not_answer_is_unknown) {
  EXPECT_EQ(judge(make_key(KeyState::active), {.error = "timed out"}).level, Level::unknown);
  EXPECT_EQ(judge(make_key(KeyState::revoked), {.error = "timed out"}).level, Level::unknown);
}

TEST_F(KeyCheck, a_key_that_cannot_be_loaded_fails) {
  StoredKey key = make_key(KeyState::active);
  key.error = "s1.pem: not PEM";
  EXPECT_EQ(judge(key, {.texts = {key.record}}).level, Level::fail);
}

TEST_F(KeyCheck, history_is_not_looked_at) {
  for (const auto state : {KeyState::deleted, KeyState::failed}) {
    Facts facts = sample_facts();
    facts.subject.keys = {active_, make_key(state)};
    facts.key_texts = {{.texts = {active_.record}}, {}};
    EXPECT_EQ(check_keys(facts).size(), 1U);
  }
}

TEST_F(KeyCheck, a_domain_without_an_active_key_fails) {
  Facts facts = sample_facts();
  EXPECT_THAT(check_keys(facts)[0].words, HasSubstr("no key of example.com is active"));
  facts.subject.is_in_store = false;
  EXPECT_THAT(check_keys(facts)[0].words, HasSubstr("signet keys new example.com"));
  facts.subject.is_in_store = true;
  facts.subject.store_error = "two keys and no keyset.toml";
  EXPECT_THAT(brief(check_keys(facts)), ElementsAre("fail "));
}

TEST_F(KeyCheck, a_parent_signs_with_its_own_name) {
  Facts facts = sample_facts();
  facts.subject.domain = domain("news.example.com");
  facts.subject.keys = {active_};
  facts.key_texts = {{}};
  const auto finding = check_keys(facts).at(0);
  EXPECT_EQ(finding.subject, "s1._domainkey.example.com");
}

}  // namespace
}  // namespace signet::audit
