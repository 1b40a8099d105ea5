#include "relay/sign/verifier.hpp"

#include <gtest/gtest.h>

#include "keys/base64.hpp"
#include "keys/key_record.hpp"
#include "tests/unit/sign/samples.hpp"

namespace signet::sign {
namespace {

constexpr std::string_view kGood =
    " v=1; a=rsa-sha256; d=a.example; s=s1; h=from:to; bh=AAAA; b=BBBB";

struct TagCase {
  std::string_view value;
  std::string_view why;  ///< Empty: fine.
};

TEST(ParseSignatureTest, is_strict) {
  for (const auto& [value, why] : std::vector<TagCase>{
           {kGood, ""},
           {"v=1;a=rsa-sha256;d=A.Example;s=s1;h= From :\r\n\tTo ;bh=AA\r\n AA;b=BB BB;", ""},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB;x=2;t=1;l=0;q=dns/txt:other;z9_=!", ""},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB;i=j=40k@sub.A.example", ""},
           {"", "no tags"},
           {" ; ", "tag name"},
           {"a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB", "no v="},
           {"v=1;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB", "no a="},
           {"v=1;a=x;s=s1;h=from;bh=AAAA;b=BBBB", "no d="},
           {"v=1;a=x;d=a.example;h=from;bh=AAAA;b=BBBB", "no s="},
           {"v=1;a=x;d=a.example;s=s1;bh=AAAA;b=BBBB", "no h="},
           {"v=1;a=x;d=a.example;s=s1;h=from;b=BBBB", "no bh="},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA", "no b="},
           {"v=2;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB", "version"},
           {"v=1;v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB", "twice"},
           {"v=1;a=x;d=;s=s1;h=from;bh=AAAA;b=BBBB", "d="},
           {"v=1;a=x;d=a..example;s=s1;h=from;bh=AAAA;b=BBBB", "d="},
           {"v=1;a=x;d=a/b.example;s=s1;h=from;bh=AAAA;b=BBBB", "d="},
           {"v=1;a=x;d=a.example;s=s 1;h=from;bh=AAAA;b=BBBB", "s="},
           {"v=1;a=x;d=a.example;s=s1;h=to;bh=AAAA;b=BBBB", "From is not signed"},
           {"v=1;a=x;d=a.example;s=s1;h=from::to;bh=AAAA;b=BBBB", "h="},
           {"v=1;a=x;d=a.example;s=s1;h=from:a b;bh=AAAA;b=BBBB", "h="},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=A;b=BBBB", "bh="},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=", "b="},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB;c=nowsp", "canonicalisation"},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB;c=relaxed/", "canonicalisation"},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB;l=-1", "l="},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB;l=1x", "l="},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB;l=99999999999999999999", "l="},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB;t=", "t="},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB;t=5;x=5", "after t="},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB;q=ldap", "query"},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB;i=@b.example", "i="},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB;i=@xa.example", "i="},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB;i=a.example", "i="},
           {"v=1;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB;i=j=4@a.example", "i="},
           {"v=1 a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB", "no a="},
           {"v=1;a=x\r\ny;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB", "octet"},
           {"v=1;a=x\x80;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB", "octet"},
           {"v=1;9=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB", "tag name"},
           {"v=1;a;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB", "without '='"},
           {"v=1;\r\na=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB", "folding"},
           {"v=1;;a=x;d=a.example;s=s1;h=from;bh=AAAA;b=BBBB", "tag name"},
       }) {
    const auto tags = parse_signature(value);
    EXPECT_EQ(tags.has_value(), why.empty()) << value;
    if (!tags) EXPECT_NE(tags.error().detail.find(why), std::string::npos) << tags.error().detail;
  }
}

TEST(ParseSignatureTest, fills_in_defaults_and_lower_case) {
  const auto tags = parse_signature("v=1;a=rsa-sha256;d=A.Example;s=S1;h=From;bh=AAAA;b=BBBB");
  ASSERT_TRUE(tags);
  EXPECT_EQ(tags->domain, "a.example");
  EXPECT_EQ(tags->identity, "@a.example");
  EXPECT_EQ(tags->signed_fields, std::vector<std::string>{"from"});
  EXPECT_FALSE(tags->relaxed_header);
  EXPECT_FALSE(tags->relaxed_body);
}

TEST(ParseKeyRecordTest, is_strict) {
  for (const auto& [value, why] : std::vector<TagCase>{
           {"v=DKIM1; k=rsa; p=AAAA", ""},
           {"p=", ""},
           {"v=DKIM1; p=AAAA; n=notes with spaces; g=*; t=y:s; s=email; h=sha1:sha256", ""},
           {"v=DKIM2; p=AAAA", "version"},
           {"p=AAAA; v=DKIM1", "first"},
           {"v=DKIM1; k=rsa", "no p="},
           {"v=DKIM1; p=A", "bad p="},
           {"v=DKIM1 p=AAAA", "version"},
           {"", "no tags"},
           {"p=AAAA; p=AAAA", "twice"},
       }) {
    const auto record = keys::parse_key_record(value);
    EXPECT_EQ(record.has_value(), why.empty()) << value;
    if (!record)
      EXPECT_NE(record.error().detail.find(why), std::string::npos) << record.error().detail;
  }
}

// A message signed with sample keys, to be spoilt.
class VerifyTest : public testing::Test {
 protected:
  static std::string signed_message(bool rsa) {
    const auto signer = make_openssl_signer();
    const auto plan = plan_for(domain_with("a.example", rsa, !rsa));
    const auto result = sign_with(*signer, plan, kHeader, "Hi.\r\n");
    return result ? result->fields + std::string(kHeader) + "\r\nHi.\r\n" : "";
  }
  static SignatureVerdict verify(std::string_view message, Result<std::string> record,
                                 std::int64_t now = unix_seconds(kNow)) {
    const auto verdicts = verify_message(message, [&](const std::string&) { return record; }, now);
    return verdicts.empty() ? SignatureVerdict{SignatureResult::permerror, {}, {}, {}, "unsigned"}
                            : verdicts.front();
  }
};

struct RecordCase {
  std::string record;
  SignatureResult result;
  std::string_view reason;
};

TEST_F(VerifyTest, obeys_the_key_record) {
  const auto good = rsa_key().public_base64();
  const auto other = std::move(*keys::PrivateKey::generate(keys::Algorithm::rsa)).public_base64();
  const auto message = signed_message(true);
  for (const auto& [record, result, reason] : std::vector<RecordCase>{
           {"v=DKIM1; p=" + good, SignatureResult::pass, ""},
           {"v=DKIM1; k=rsa; h=sha256; s=*; t=s; p=" + good, SignatureResult::pass, ""},
           {"v=DKIM1; p=" + other, SignatureResult::fail, "does not fit"},
           {"v=DKIM1; p=", SignatureResult::permerror, "revoked"},
           {"v=DKIM1; h=sha1; p=" + good, SignatureResult::permerror, "sha256"},
           {"v=DKIM1; s=other; p=" + good, SignatureResult::permerror, "not for mail"},
           {"v=DKIM1; k=ed25519; p=" + ed25519_key().public_base64(), SignatureResult::permerror,
            "another type"},
           {"v=DKIM1; p=AAAA", SignatureResult::permerror, "can't be read"},
           {"v=DKIM1; p=" + ed25519_key().public_base64(), SignatureResult::permerror,
            "can't be read"},
           {"v=spf1 -all", SignatureResult::permerror, "key record"},
       }) {
    const auto verdict = verify(message, record);
    EXPECT_EQ(verdict.result, result) << verdict.reason;
    EXPECT_NE(verdict.reason.find(reason), std::string::npos) << verdict.reason;
  }
}

TEST_F(VerifyTest, tells_no_key_from_no_answer) {
  const auto message = signed_message(false);
  EXPECT_EQ(verify(message, fail(Fault::not_found)).result, SignatureResult::permerror);
  EXPECT_EQ(verify(message, fail(Fault::dns_temporary)).result, SignatureResult::temperror);
}

// openssl genrsa 512, its public half.
TEST_F(VerifyTest, refuses_rsa_under_1024_bits) {
  const auto verdict =
      verify(signed_message(true),
             Result<std::string>(
                 "p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAOPOaHkFJWwq2fNhd3/"
                 "RSf3RXw9C7eWLbvI9Gm9kixh5PtaBj8BTtJg8+4JnUyn3sLzgP9izbcgqxMHGOr3kat0CAwEAAQ=="));
  EXPECT_EQ(verdict.result, SignatureResult::permerror);
  EXPECT_NE(verdict.reason.find("1024"), std::string::npos) << verdict.reason;
}

struct SpoiltCase {
  std::string_view from;
  std::string_view to;
  SignatureResult result;
};

TEST_F(VerifyTest, notices_any_change_that_matters) {
  for (const bool rsa : {true, false}) {
    const auto message = signed_message(rsa);
    const auto record = (rsa ? rsa_key() : ed25519_key()).dns_record();
    for (const auto& [from, to, result] : std::vector<SpoiltCase>{
             {"", "", SignatureResult::pass},
             {"Hi.\r\n", "Hi. \t\r\n\r\n", SignatureResult::pass},
             {"X-Other: not", "X-Other: never", SignatureResult::pass},
             {"Is  dinner", "Is dinner", SignatureResult::pass},
             {"Hi.", "hi.", SignatureResult::fail},
             {"Is  dinner", "Isdinner", SignatureResult::fail},
             {"dinner\r\n\tready", "dinner\r\n\tsteady", SignatureResult::fail},
             {"Date: Fri", "X-Date: Fri", SignatureResult::fail},
             {"t=1600000000", "t=1600000001", SignatureResult::fail},
             {"c=relaxed/relaxed", "c=relaxed/simple", SignatureResult::fail},
             {"c=relaxed/relaxed", "c=relaxed/relaxed; l=5", SignatureResult::fail},
             {"c=relaxed/relaxed", "c=relaxed/relaxed; l=6", SignatureResult::permerror},
             {"rsa-sha256", "rsa-sha1", rsa ? SignatureResult::permerror : SignatureResult::pass},
         }) {
      auto spoilt = message;
      if (const auto at = spoilt.find(from); at != std::string::npos)
        spoilt.replace(at, from.size(), to);
      const auto verdict = verify(spoilt, record);
      EXPECT_EQ(verdict.result, result) << from << " -> " << to << ": " << verdict.reason;
    }
  }
}

TEST_F(VerifyTest, an_expired_signature_fails) {
  const auto message = signed_message(false);
  const auto expiry = unix_seconds(kNow) + 12L * 86400;
  EXPECT_EQ(verify(message, ed25519_key().dns_record(), expiry).result, SignatureResult::pass);
  EXPECT_EQ(verify(message, ed25519_key().dns_record(), expiry + 1).reason, "expired");
}

TEST_F(VerifyTest, looks_at_twenty_signatures_and_asks_for_the_right_names) {
  std::string message;
  for (int i = 0; i < 30; ++i)
    message += "DKIM-Signature: v=1; a=rsa-sha256; d=a.example; s=s" + std::to_string(i) +
               "; h=from; bh=AAAA; b=BBBB\r\n";
  std::vector<std::string> asked;
  const auto verdicts = verify_message(
      message + "From: a@a.example\r\n\r\n",
      [&](const std::string& name) -> Result<std::string> {
        asked.push_back(name);
        return fail(Fault::not_found);
      },
      0);
  EXPECT_EQ(verdicts.size(), 20U);
  ASSERT_EQ(asked.size(), 20U);
  EXPECT_EQ(asked.front(), "s0._domainkey.a.example");
}

TEST_F(VerifyTest, a_body_may_arrive_in_slices_of_any_cut) {
  const auto message = signed_message(false);
  const auto end = message.find("\r\n\r\n");
  const auto lookup = [](const std::string&) -> Result<std::string> {
    return ed25519_key().dns_record();
  };
  for (const bool is_spoilt : {false, true}) {
    MessageVerifier verifier(message.substr(0, end + 2));
    EXPECT_EQ(verifier.key_names().size(), 1U);
    for (const char& octet : message.substr(end + 4)) verifier.body({&octet, 1});
    if (is_spoilt) verifier.body("more\r\n");
    const auto verdicts = verifier.finish(lookup, unix_seconds(kNow));
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(verdicts.front().result, is_spoilt ? SignatureResult::fail : SignatureResult::pass);
  }
}

TEST_F(VerifyTest, survives_messages_that_are_none) {
  const auto lookup = [](const std::string&) -> Result<std::string> {
    return fail(Fault::not_found);
  };
  EXPECT_TRUE(verify_message("", lookup, 0).empty());
  EXPECT_TRUE(verify_message("\r\n", lookup, 0).empty());
  EXPECT_TRUE(verify_message("\r\nDKIM-Signature: v=1\r\n", lookup, 0).empty());
  EXPECT_EQ(verify_message("no header\r\n\r\n", lookup, 0).size(), 1U);
  EXPECT_EQ(verify_message("DKIM-Signature:\r\n\r\n", lookup, 0).size(), 1U);
}

}  // namespace
}  // namespace signet::sign
