#include "relay/align/key_proof.hpp"

#include <gmock/gmock.h>

#include "keys/base64.hpp"
#include "relay/align/texts.hpp"
#include "tests/support/run_task.hpp"
#include "tests/unit/align/txt_zone.hpp"

namespace signet::align {
namespace {

const keys::PrivateKey& rsa() {
  static const auto key = keys::PrivateKey::generate(keys::Algorithm::rsa).value();
  return key;
}

KeyState state_of(const std::vector<std::string>& texts, const keys::PrivateKey& key = rsa()) {
  return judge_key_texts(texts, key.algorithm(), key.public_base64()).state;
}

// RFC 6376 3.6.1, RFC 8301: each tag that can make our key useless.
TEST(KeyProof, judges_the_record) {
  const std::string p = "p=" + rsa().public_base64();
  const auto other = keys::PrivateKey::generate(keys::Algorithm::ed25519).value();
  const std::string spki = *keys::decode_base64(rsa().public_base64());
  using enum KeyState;
  const std::vector<std::pair<std::string, KeyState>> cases{
      {p, proven},
      {rsa().dns_record(), proven},
      {"v=DKIM1; k=rsa; h=sha1:sha256; s=email; t=s; n=note; " + p, proven},
      {"v=DKIM1; s=*; " + p, proven},
      {"v=DKIM1; p=" + keys::encode_base64(spki.substr(24)), proven},  // RSAPublicKey
      {"v=DKIM1; p=" + keys::encode_base64(spki.substr(25)), differs},
      {"v=DKIM1; k=rsa; p=", revoked},
      {"v=DKIM1; k=ed25519; " + p, unusable},
      {"v=DKIM1; h=sha1; " + p, unusable},
      {"v=DKIM1; s=tlsrpt; " + p, unusable},
      {"v=DKIM1; t=y; " + p, unusable},
      {"v=DKIM1; t=s:y; " + p, unusable},
      {"v=DKIM2; " + p, unusable},
      {"k=rsa; v=DKIM1; " + p, unusable},
      {"v=DKIM1; k=rsa", unusable},
      {"v=DKIM1; p=!!!", unusable},
      {"", unusable},
      {"v=DKIM1; p=" + other.public_base64(), differs},
      {"v=spf1 -all", unusable},
  };
  for (const auto& [text, expected] : cases) {
    const auto proof = judge_key_texts(std::vector{text}, rsa().algorithm(), rsa().public_base64());
    EXPECT_EQ(proof.state, expected) << text << ": " << proof.reason;
    EXPECT_EQ(proof.reason.empty(), expected == proven) << text;
  }
  EXPECT_EQ(state_of({other.dns_record()}, other), proven);
}

TEST(KeyProof, needs_exactly_one_record) {
  EXPECT_EQ(state_of({}), KeyState::absent);
  EXPECT_EQ(state_of({rsa().dns_record(), rsa().dns_record()}), KeyState::ambiguous);
  EXPECT_EQ(state_of({rsa().dns_record(), "x"}), KeyState::ambiguous);
}

TEST(KeyProof, joins_the_strings_of_a_record) {
  TxtZone zone;
  const std::string record = rsa().dns_record();
  zone.txt("s._domainkey.example.com",
           std::vector<std::string>{record.substr(0, 200), record.substr(200)});
  net::Loop loop;
  const auto found = test::run_task(loop, ask_texts(zone, loop, "s._domainkey.example.com"));
  EXPECT_EQ(state_of(found.texts), KeyState::proven);
  EXPECT_EQ(found.ttl, zone.ttl);
}

TEST(KeyProof, an_error_is_no_absence) {
  TxtZone zone;
  zone.fails("s._domainkey.example.com");
  net::Loop loop;
  EXPECT_FALSE(
      test::run_task(loop, ask_texts(zone, loop, "s._domainkey.example.com")).error.empty());
  EXPECT_TRUE(
      test::run_task(loop, ask_texts(zone, loop, "t._domainkey.example.com")).error.empty());
}

}  // namespace
}  // namespace signet::align
