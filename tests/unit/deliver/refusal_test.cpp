#include "relay/deliver/refusal.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "relay/deliver/outcome.hpp"

namespace signet::deliver {
namespace {

TEST(RefusalTest, a_mail_host_is_known_by_the_end_of_its_name) {
  struct Case {
    std::string_view host;
    std::string_view provider;
  };
  const std::vector<Case> cases{
      {"gmail-smtp-in.l.google.com [192.0.2.1]", "google"},
      {"ASPMX2.GOOGLEMAIL.COM", "google"},
      {"example-com.mail.protection.outlook.com [192.0.2.1]", "microsoft"},
      {"example-com.q-v1.mx.microsoft", "microsoft"},
      {"mta5.am0.yahoodns.net", "yahoo"},
      {"mx01.mail.icloud.com", "apple"},
      {"mx00.gmx.net", "gmx"},
      {"eu-smtp-inbound-1.mimecast.com", "mimecast"},
      {"mxa-00000001.gslb.pphosted.com", "proofpoint"},
      {"mx.example.com [192.0.2.1]", "other"},
      {"notgoogle.com", "other"},
      {"mx.google.com.evil.example", "other"},
      {"", "other"}};
  for (const Case& c : cases) EXPECT_EQ(provider_of(c.host), c.provider) << c.host;
}

TEST(RefusalTest, a_reply_is_sorted_by_its_enhanced_code) {
  struct Case {
    std::string_view reply;
    std::string_view cause;
  };
  const std::vector<Case> cases{
      {"550 5.7.26 Unauthenticated email from example.com is not accepted", "authentication"},
      {"421 4.7.32 From: header isn't aligned", "authentication"},
      {"550 5.7.515 Access denied, sending domain does not meet the level", "authentication"},
      {"550 5.7.23 SPF validation failed", "authentication"},
      {"550 5.7.1 Message refused", "policy"},
      {"550-5.7.26 first of several lines", "authentication"},
      {"550 5.1.1 no such user", "address"},
      {"452 4.2.2 over quota", "mailbox"},
      {"421 4.3.2 shutting down", "system"},
      {"451 4.4.2 timeout", "network"},
      {"502 5.5.1 what", "protocol"},
      {"554 5.6.0 content", "content"},
      {"550 5.9.9 nobody knows", "reply"},
      {"550 no", "reply"},
      {"550", "reply"},
      {"550 5.7.2600 too long", "reply"},
      {"550 5.7.", "reply"},
      {"", "reply"}};
  for (const Case& c : cases) {
    const RecipientOutcome outcome{RecipientResult::failed, std::string(c.reply),
                                   Fault::peer_permanent};
    EXPECT_EQ(refusal_cause(outcome), c.cause) << c.reply;
  }
}

TEST(RefusalTest, what_no_peer_said_has_the_name_of_its_fault) {
  EXPECT_EQ(refusal_cause(outcome_of(Fault::tls_failed, "STARTTLS")), "tls_failed");
  EXPECT_EQ(refusal_cause(outcome_of(Fault::timed_out, "MAIL")), "timed_out");
}

TEST(RefusalTest, a_recipient_that_was_taken_has_no_cause) {
  EXPECT_EQ(refusal_cause(RecipientOutcome{RecipientResult::delivered, "250 2.0.0 OK"}), "none");
}

TEST(RefusalTest, blame_of_dkim_is_a_code_of_its_own_or_the_word) {
  const auto blames = [](std::string_view reply, Fault fault = Fault::peer_permanent) {
    return blames_dkim({RecipientResult::failed, std::string(reply), fault});
  };
  EXPECT_TRUE(blames("550 5.7.20 no passing signature"));
  EXPECT_TRUE(blames("550 5.7.22 no author-matched signature"));
  EXPECT_TRUE(blames("550-5.7.30 This message has no valid signature"));
  EXPECT_TRUE(blames("421 4.7.30 slow down", Fault::peer_temporary));
  EXPECT_TRUE(blames("550 5.7.1 Dkim verification failed"));
  EXPECT_FALSE(blames("550 5.7.26 SPF did not pass"));
  EXPECT_FALSE(blames("550 5.1.20 no such user"));
  EXPECT_FALSE(blames("550"));
  EXPECT_FALSE(blames("dkim", Fault::timed_out));
  EXPECT_FALSE(blames_dkim({RecipientResult::delivered, "250 2.0.0 dkim is fine"}));
}

}  // namespace
}  // namespace signet::deliver
