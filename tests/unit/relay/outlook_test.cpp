#include "relay/outlook.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace signet {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// As Explainer tells of accepted mail.
json accepted() {
  return {{"client", {{"name", "apps"}}},
          {"outcome", {{"accepted", true}, {"code", 250}, {"action", "send"}}},
          {"signatures", {{{"domain", "example.com"}}, {{"domain", "platform.example"}}}},
          {"alignment", {{"verdict", "pass"}, {"configured", {{"policy", "auto"}}}}},
          {"recipients",
           {{{"route", {{"name", "default"}}},
             {"pool", {{"name", "bulk"}}},
             {"tls", {{"policy", "may"}}},
             {"limits", {{"connections", 20}}}}}},
          {"limits", {{"recipients", 100}, {"retries_seconds", {300, 600}}}}};
}

json refused(const std::string& cause) {
  return {{"outcome", {{"accepted", false}, {"cause", cause}, {"words", "no"}}},
          {"recipients", {json::object()}},
          {"limits", json::object()}};
}

TEST(OutlookTest, names_what_the_rules_make_of_mail) {
  const Outlook outlook = outlook_of(accepted());
  EXPECT_EQ(outlook, (Outlook{{"client", "apps"},
                              {"outcome", "send"},
                              {"signed_by", "example.com, platform.example"},
                              {"verdict", "pass"},
                              {"policy", "auto"},
                              {"route", "default"},
                              {"pool", "bulk"},
                              {"tls", "may"},
                              {"limits.connections", "20"},
                              {"limits.recipients", "100"},
                              {"limits.retries_seconds", "[300,600]"}}));
}

TEST(OutlookTest, nothing_changes_between_equal_outlooks) {
  const auto change = compare_outlooks(outlook_of(accepted()), outlook_of(accepted()));
  EXPECT_THAT(change.differences, IsEmpty());
  EXPECT_FALSE(change.becomes_unsigned || change.becomes_misaligned || change.becomes_refused);
}

TEST(OutlookTest, tells_mail_that_goes_unsigned) {
  json after = accepted();
  after.erase("signatures");
  EXPECT_TRUE(compare_outlooks(outlook_of(accepted()), outlook_of(after)).becomes_unsigned);
  EXPECT_FALSE(compare_outlooks(outlook_of(after), outlook_of(after)).becomes_unsigned);
  EXPECT_FALSE(compare_outlooks(outlook_of(after), outlook_of(accepted())).becomes_unsigned);
  const auto keyless =
      compare_outlooks(outlook_of(accepted()), outlook_of(refused("domain_without_key")));
  EXPECT_TRUE(keyless.becomes_unsigned && keyless.becomes_refused);
}

TEST(OutlookTest, mail_that_another_rule_refuses_is_not_unsigned) {
  const auto change =
      compare_outlooks(outlook_of(accepted()), outlook_of(refused("client_unknown")));
  EXPECT_TRUE(change.becomes_refused);
  EXPECT_FALSE(change.becomes_unsigned);
}

TEST(OutlookTest, tells_mail_that_fails_and_takes_unknown_for_no_failure) {
  json fails = accepted();
  fails["alignment"]["verdict"] = "fail";
  json unknown = accepted();
  unknown["alignment"]["verdict"] = "unknown";
  const Outlook before = outlook_of(accepted());
  EXPECT_TRUE(compare_outlooks(before, outlook_of(fails)).becomes_misaligned);
  EXPECT_FALSE(compare_outlooks(before, outlook_of(unknown)).becomes_misaligned);
  EXPECT_FALSE(compare_outlooks(outlook_of(fails), outlook_of(fails)).becomes_misaligned);
}

TEST(OutlookTest, tells_mail_that_was_kept_back_and_goes_unsigned_or_misaligned) {
  json unsigned_mail = accepted();
  unsigned_mail.erase("signatures");
  json fails = accepted();
  fails["alignment"]["verdict"] = "fail";
  json held = fails;
  held["outcome"]["action"] = "hold";
  json turned_away = fails;
  turned_away["outcome"] = refused("not_aligned")["outcome"];
  const Outlook keyless = outlook_of(refused("domain_without_key"));
  EXPECT_TRUE(compare_outlooks(keyless, outlook_of(unsigned_mail)).becomes_unsigned);
  EXPECT_FALSE(compare_outlooks(keyless, outlook_of(accepted())).becomes_unsigned);
  EXPECT_FALSE(compare_outlooks(keyless, keyless).becomes_unsigned);
  for (const json& before : {held, turned_away}) {
    EXPECT_TRUE(compare_outlooks(outlook_of(before), outlook_of(fails)).becomes_misaligned);
    EXPECT_FALSE(compare_outlooks(outlook_of(before), outlook_of(before)).becomes_misaligned);
  }
}

MailKind kind() {
  const Domain domain = *Domain::parse("example.com");
  return {.client = "apps",
          .peer = {},
          .author = domain,
          .sender = {},
          .recipient = *Domain::parse("receiver.example")};
}

TEST(ObjectionTest, names_the_rule_and_the_mail_it_minds) {
  KindChange change{{.kind = kind(), .messages = 12, .last = {}}, {.differences = {}}};
  change.change.becomes_unsigned = true;
  change.change.becomes_misaligned = true;
  EXPECT_EQ(objection_to({change}, {}), "");
  const std::string words = objection_to({change}, {.refuse_if_unsigned = true});
  EXPECT_EQ(words,
            "refuse_if_unsigned: unsigned would be mail of example.com by client apps to "
            "receiver.example (12 in the last hour)");
  EXPECT_THAT(objection_to({change}, {.refuse_if_misaligned = true}),
              HasSubstr("refuse_if_misaligned: misaligned would be mail of example.com"));
  change.entry.messages = 0;
  const std::vector<KindChange> many(7, change);
  EXPECT_THAT(objection_to(many, {.refuse_if_unsigned = true}),
              HasSubstr("(configured) and 2 more"));
}

TEST(ConfiguredKindsTest, are_each_listed_domain_by_each_way_out) {
  config::Settings settings;
  config::ClientSettings client;
  client.name = "apps";
  client.domains = {*Domain::parse("a.example"), *Domain::parse("b.example")};
  settings.clients = {client};
  config::RouteSettings listed;
  listed.domains = {*Domain::parse("receiver.example")};
  config::RouteSettings below;
  below.subdomains_of = {*Domain::parse("inside.example")};
  config::RouteSettings other;
  other.is_default = true;
  settings.routes = {listed, below, other};
  const auto kinds = configured_kinds(settings, 100);
  ASSERT_EQ(kinds.size(), 6U);
  EXPECT_EQ(kinds[0].recipient.text(), "receiver.example");
  EXPECT_EQ(kinds[1].recipient.text(), "elsewhere.inside.example");
  EXPECT_EQ(kinds[2].recipient.text(), "elsewhere.invalid");
  EXPECT_EQ(kinds[5].author.text(), "b.example");
  EXPECT_EQ(configured_kinds(settings, 4).size(), 4U);
}

TEST(KindJsonTest, comes_back_as_it_went) {
  MailKind went = kind();
  went.sender = *Domain::parse("bounces.example.com");
  went.peer = authorise::Peer{.address = *IpAddress::parse("2001:db8::1"),
                              .user = "app",
                              .certificate_fingerprint = "ab",
                              .certificate_names = {"app.example"},
                              .unix_user = 1000};
  const auto came = kind_from_json(to_json(went));
  ASSERT_TRUE(came);
  EXPECT_EQ(to_json(*came), to_json(went));
  EXPECT_EQ(came->peer->unix_user, 1000U);
  EXPECT_FALSE(kind_from_json(to_json(kind()))->sender);
  EXPECT_FALSE(kind_from_json({{"author_domain", "a b"}}));
  EXPECT_FALSE(kind_from_json(json::object()));
}

}  // namespace
}  // namespace signet
