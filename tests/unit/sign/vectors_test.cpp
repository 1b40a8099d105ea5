// Real material: RFC 8463 appendix A, dkimpy's keys and messages, and the mail of the MIME corpora.
#include <gtest/gtest.h>

#include "keys/base64.hpp"
#include "relay/sign/canonicalisation.hpp"
#include "tests/unit/sign/samples.hpp"

namespace signet::sign {
namespace {

namespace fs = std::filesystem;

class CorpusTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(corpus() / "dkim")) GTEST_SKIP() << "no corpus at " << corpus();
  }
};

// name. TXT "value"
KeyLookup zone(const std::string& text) {
  std::map<std::string, std::string> records;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto quote = line.find('"');
    if (quote == std::string::npos) continue;
    records[line.substr(0, line.find(". "))] = line.substr(quote + 1, line.rfind('"') - quote - 1);
  }
  return [records](const std::string& name) -> Result<std::string> {
    const auto found = records.find(name);
    if (found == records.end()) return fail(Fault::not_found);
    return found->second;
  };
}

TEST_F(CorpusTest, both_signatures_of_rfc_8463_verify) {
  const auto message = read_text(corpus() / "dkim/rfc8463-appendix-a.eml");
  const auto lookup = zone(read_text(corpus() / "dkim/rfc8463-appendix-a.dns"));
  const auto verdicts = verify_message(message, lookup, 1528637910);
  ASSERT_EQ(verdicts.size(), 2U);
  EXPECT_EQ(verdicts[0].result, SignatureResult::pass) << verdicts[0].reason;
  EXPECT_EQ(verdicts[0].algorithm, "ed25519-sha256");
  EXPECT_EQ(verdicts[0].selector, "brisbane");
  EXPECT_EQ(verdicts[1].result, SignatureResult::pass) << verdicts[1].reason;
  EXPECT_EQ(verdicts[1].algorithm, "rsa-sha256");
}

std::string trimmed(std::string text) { return text.substr(0, text.find_last_not_of(" \r\n") + 1); }

keys::PrivateKey ed25519_from_seed(const std::string& base64) {
  const auto der =
      *keys::decode_base64("MC4CAQAwBQYDK2VwBCIEIA==") + *keys::decode_base64(trimmed(base64));
  return std::move(*keys::PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----\n" +
                                               keys::encode_base64(der) +
                                               "\n-----END PRIVATE KEY-----\n"));
}

TEST_F(CorpusTest, dkimpys_messages_signed_with_its_keys_verify_with_its_records) {
  auto domain = std::make_shared<keys::SigningDomain>(
      keys::SigningDomain{.name = std::move(*Domain::parse("example.com")), .keys = {}});
  domain->keys.push_back(
      {"test", std::move(*keys::PrivateKey::from_pem(read_text(corpus() / "dkim/test.private")))});
  domain->keys.push_back({"ed", ed25519_from_seed(read_text(corpus() / "dkim/ed25519test.key"))});
  const auto lookup = [](const std::string& name) -> Result<std::string> {
    return trimmed(
        read_text(corpus() / (name.starts_with("ed") ? "dkim/ed25519test.dns" : "dkim/test.txt")));
  };
  const auto signer = make_opendkim_signer();
  ASSERT_TRUE(signer);
  for (const std::string_view file : {"test.message", "ed25519test.msg"}) {
    const auto message = with_crlf(read_text(corpus() / "dkim" / file));
    const auto end = message.find("\r\n\r\n");
    const auto result = sign_with(**signer, plan_for(domain), message.substr(0, end + 2),
                                  std::string_view(message).substr(end + 4));
    ASSERT_TRUE(result) << result.error().detail;
    const auto verdicts = verify_message(result->fields + message, lookup, unix_seconds(kNow));
    ASSERT_EQ(verdicts.size(), 2U);
    for (const auto& verdict : verdicts)
      EXPECT_EQ(verdict.result, SignatureResult::pass) << verdict.reason;
  }
}

// Header with exactly one From and nothing a strict parser refuses; the rest never gets this far.
TEST_F(CorpusTest, both_signers_agree_on_every_message_of_the_mime_corpora) {
  const auto opendkim = make_opendkim_signer();
  ASSERT_TRUE(opendkim);
  const auto openssl = make_openssl_signer();
  const auto plan = plan_for(domain_with("a.example", false, true));
  std::size_t signed_messages = 0;
  for (const auto* folder : {"mime", "mime-ruby"}) {
    for (const auto& entry : fs::recursive_directory_iterator(corpus() / folder)) {
      if (!entry.is_regular_file()) continue;
      const auto message = with_crlf(read_text(entry.path()));
      const auto end = message.find("\r\n\r\n");
      if (end == std::string::npos) continue;
      const auto header = message.substr(0, end + 2);
      const auto body = std::string_view(message).substr(end + 4);
      const auto one = sign_with(**opendkim, plan, header, body, 4096);
      const auto other = sign_with(*openssl, plan, header, body);
      EXPECT_EQ(one.has_value(), other.has_value()) << entry.path();
      if (!one || !other) continue;
      ++signed_messages;
      const auto verdicts =
          verify_message(one->fields + message, lookup_sample, unix_seconds(kNow));
      EXPECT_EQ(verdicts.front().result, SignatureResult::pass)
          << entry.path() << verdicts.front().reason;
      const auto hash_of = [](const std::string& field) {
        return parse_signature(std::string_view(field).substr(15, field.size() - 17))->body_hash;
      };
      EXPECT_EQ(hash_of(one->fields), hash_of(other->fields)) << entry.path();
    }
  }
  EXPECT_GE(signed_messages, 80U);
}

}  // namespace
}  // namespace signet::sign
