#include "relay/sign/signer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "keys/base64.hpp"
#include "relay/sign/loaded_key.hpp"
#include "tests/unit/sign/samples.hpp"

namespace signet::sign {
namespace {

using namespace std::string_view_literals;

std::unique_ptr<Signer> opendkim() {
  auto signer = make_opendkim_signer();
  return signer ? std::move(*signer) : nullptr;
}

SignatureTags tags_of(std::string_view field) {
  field.remove_prefix(field.find(':') + 1);
  auto tags = parse_signature(field.substr(0, field.size() - 2));
  return tags ? std::move(*tags) : SignatureTags{};
}

std::ptrdiff_t count(const std::vector<std::string>& names, std::string_view name) {
  return std::count(names.begin(), names.end(), name);
}

// A key whose public exponent is not the one its private half was made for.
keys::PrivateKey lying_key() {
  const std::string pem(rsa_key().to_pem().view());
  const auto begin = pem.find('\n') + 1;
  auto der = *keys::decode_base64(pem.substr(begin, pem.find("\n-----END") - begin));
  der[der.find("\x02\x03\x01\x00\x01"sv) + 4] = 3;
  return std::move(*keys::PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----\n" +
                                               keys::encode_base64(der) +
                                               "\n-----END PRIVATE KEY-----\n"));
}

TEST(LoadedKeyTest, libopendkim_takes_the_loaded_key) { EXPECT_TRUE(cached_key_path_works()); }

TEST(LoadedKeyTest, answers_the_marker_only_while_the_guard_lives) {
  const auto& key = ed25519_key();
  EXPECT_EQ(SigningWith::take(kLoadedKeyMarker), nullptr);
  EXPECT_FALSE(keys::PrivateKey::from_pem(kLoadedKeyMarker));
  {
    const SigningWith guard(key.handle());
    EXPECT_EQ(SigningWith::take("-----BEGIN PRIVATE KEY-----\n"), nullptr);
    const auto other = keys::PrivateKey::from_pem(rsa_key().to_pem().view());
    ASSERT_TRUE(other);
    EXPECT_EQ(other->public_base64(), rsa_key().public_base64());
    EXPECT_EQ(guard.taken(), 0U);
    const keys::KeyHandle taken(SigningWith::take(kLoadedKeyMarker));
    EXPECT_EQ(taken.get(), key.handle());
    EXPECT_EQ(guard.taken(), 1U);
  }
  EXPECT_EQ(SigningWith::take(kLoadedKeyMarker), nullptr);
}

TEST(SignerTest, signs_with_every_planned_key_in_order) {
  const auto signer = opendkim();
  ASSERT_TRUE(signer);
  const auto plan = plan_for(domain_with("football.example.com", true, true));
  const auto result = sign_with(*signer, plan, kHeader, "Hi.\r\n");
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(result->signed_by, (std::vector<std::string>{"r1._domainkey.football.example.com",
                                                         "e1._domainkey.football.example.com"}));
  EXPECT_LT(result->fields.find("a=rsa-sha256"), result->fields.find("a=ed25519-sha256"));
  EXPECT_EQ(verify_all(result->fields + std::string(kHeader) + "\r\nHi.\r\n", 2), "");
}

TEST(SignerTest, covers_present_and_over_signs_the_standard_fields) {
  const auto signer = opendkim();
  ASSERT_TRUE(signer);
  const auto plan = plan_for(domain_with("football.example.com", true, false));
  const auto result = sign_with(*signer, plan, kHeader, "Hi.\r\n");
  ASSERT_TRUE(result) << result.error().detail;
  const auto tags = tags_of(result->fields);
  EXPECT_EQ(tags.signed_fields,
            (std::vector<std::string>{
                "from", "to", "subject", "date", "message-id", "list-id",  // present
                "from", "to", "cc", "subject", "date", "message-id", "mime-version", "content-type",
                "content-transfer-encoding"}));
  EXPECT_EQ(tags.timestamp, 1'600'000'000);
  EXPECT_EQ(tags.expiry, 1'600'000'000 + 12 * 86400);
  EXPECT_FALSE(tags.body_length);
  EXPECT_EQ(result->fields.find("i="), std::string::npos);
  for (std::size_t at = 0; at < result->fields.size();) {
    const auto end = result->fields.find("\r\n", at);
    EXPECT_LE(end - at, 80U);
    at = end + 2;
  }
}

TEST(SignerTest, bulk_over_signs_list_fields_and_reply_to) {
  const auto signer = opendkim();
  ASSERT_TRUE(signer);
  const auto domain = domain_with("football.example.com", true, false);
  const auto result = sign_with(*signer, plan_for(domain, true), kHeader, "Hi.\r\n");
  ASSERT_TRUE(result) << result.error().detail;
  const auto names = tags_of(result->fields).signed_fields;
  EXPECT_EQ(count(names, "list-id"), 2);
  EXPECT_EQ(count(names, "list-unsubscribe"), 1);
  EXPECT_EQ(count(names, "list-unsubscribe-post"), 1);
  EXPECT_EQ(count(names, "reply-to"), 1);
}

TEST(SignerTest, an_added_field_breaks_the_signature) {
  const auto signer = opendkim();
  ASSERT_TRUE(signer);
  const auto plan = plan_for(domain_with("football.example.com", true, false));
  const auto result = sign_with(*signer, plan, kHeader, "Hi.\r\n");
  ASSERT_TRUE(result);
  const auto message = result->fields + std::string(kHeader) + "\r\nHi.\r\n";
  for (const std::string_view added : {"From: x@y.example\r\n", "Subject: x\r\n",
                                       "Cc: x@y.example\r\n", "Content-Type: text/html\r\n"})
    EXPECT_NE(verify_all(std::string(added) + message, 1), "") << added;
  EXPECT_EQ(verify_all("Reply-To: l@list.example\r\n" + message, 1), "");
}

TEST(SignerTest, messages_in_flight_on_one_signer_keep_their_own_time_and_life) {
  const auto signer = opendkim();
  ASSERT_TRUE(signer);
  const auto domain = domain_with("football.example.com", false, true);
  auto plan = plan_for(domain);
  auto first = signer->begin(plan, kHeader, kNow);
  plan.life = std::chrono::hours(1);
  auto second = signer->begin(plan, kHeader, kNow + std::chrono::seconds(100));
  ASSERT_TRUE(first);
  ASSERT_TRUE(second);
  const auto late = (*second)->finish();
  const auto early = (*first)->finish();
  ASSERT_TRUE(early);
  ASSERT_TRUE(late);
  EXPECT_EQ(tags_of(early->fields).timestamp, 1'600'000'000);
  EXPECT_EQ(tags_of(early->fields).expiry, 1'600'000'000 + 12 * 86400);
  EXPECT_EQ(tags_of(late->fields).timestamp, 1'600'000'100);
  EXPECT_EQ(tags_of(late->fields).expiry, 1'600'000'100 + 3600);
}

TEST(SignerTest, a_message_abandoned_half_way_leaves_nothing_behind) {
  const auto signer = opendkim();
  ASSERT_TRUE(signer);
  const auto plan = plan_for(domain_with("football.example.com", true, true));
  auto signing = signer->begin(plan, kHeader, kNow);
  ASSERT_TRUE(signing);
  EXPECT_TRUE((*signing)->body("half"));
}

TEST(SignerTest, a_plan_without_keys_signs_nothing) {
  const auto signer = opendkim();
  ASSERT_TRUE(signer);
  const auto result = sign_with(*signer, Plan{}, kHeader, "Hi.\r\n");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->fields, "");
}

TEST(SignerTest, signs_for_the_platform_as_well) {
  const auto signer = opendkim();
  ASSERT_TRUE(signer);
  auto plan = plan_for(domain_with("football.example.com", true, false));
  plan.signatures.push_back({domain_with("platform.example", true, false), 0, false});
  const auto result = sign_with(*signer, plan, kHeader, "Hi.\r\n");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->signed_by[1], "r1._domainkey.platform.example");
  EXPECT_EQ(verify_all(result->fields + std::string(kHeader) + "\r\nHi.\r\n", 2), "");
}

struct RefusedHeader {
  std::string header;
  Fault fault;
};

TEST(SignerTest, refuses_headers_that_two_parsers_might_read_differently) {
  const std::string from = "From: a@b.example\r\n";
  std::string many = from;
  for (int i = 0; i < 300; ++i) many += "List-Number-" + std::to_string(i) + ": x\r\n";
  std::string fields = from;
  for (int i = 0; i < 1000; ++i) fields += "X: y\r\n";
  const std::vector<RefusedHeader> cases{
      {"To: a@b.example\r\n", Fault::author_missing},
      {from + "FROM: c@d.example\r\n", Fault::author_ambiguous},
      {from + std::string("X: \0\r\n", 6), Fault::nul_in_message},
      {from + "X: a\nY: b\r\n", Fault::header_malformed},
      {from + "X: a\rY: b\r\n", Fault::header_malformed},
      {from + "X: a\vb\r\n", Fault::header_malformed},
      {from + "no colon\r\n", Fault::header_malformed},
      {from + std::string(129, 'n') + ": x\r\n", Fault::header_too_big},
      {from + std::string(5000, 'n') + ": x\r\n", Fault::header_too_big},
      {many, Fault::header_too_big},
      {fields, Fault::header_too_big},
  };
  const auto signer = opendkim();
  ASSERT_TRUE(signer);
  const auto plan = plan_for(domain_with("football.example.com", false, true));
  for (const auto& [header, fault] : cases) {
    const auto signing = signer->begin(plan, header, kNow);
    ASSERT_FALSE(signing) << header.substr(0, 80);
    EXPECT_EQ(signing.error().fault, fault) << signing.error().detail;
  }
}

TEST(SignerTest, is_not_disturbed_by_hostile_signatures_already_there) {
  const auto signer = opendkim();
  ASSERT_TRUE(signer);
  const auto plan = plan_for(domain_with("football.example.com", false, true));
  const auto header =
      "DKIM-Signature: v=2; =;;; a\r\nDKIM-Signature: v=1; d=x; l=99999999999999\r\n" +
      std::string(kHeader);
  EXPECT_TRUE(sign_with(*signer, plan, header, "Hi.\r\n"));
}

TEST(SignerTest, a_key_that_lies_about_itself_is_caught_before_the_mail_leaves) {
  auto domain = std::make_shared<keys::SigningDomain>(
      keys::SigningDomain{.name = std::move(*Domain::parse("a.example")), .keys = {}});
  domain->keys.push_back({"s1", lying_key()});
  const auto signer = opendkim();
  ASSERT_TRUE(signer);
  const auto result = sign_with(*signer, plan_for(domain), kHeader, "Hi.\r\n");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::signature_wrong);
}

}  // namespace
}  // namespace signet::sign
