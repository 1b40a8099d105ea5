#include "config/description.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace signet::config {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Settings with_a_client() {
  Settings settings;
  ClientSettings client;
  client.name = "apps";
  client.domains = {*Domain::parse("b.example"), *Domain::parse("a.example")};
  settings.clients = {client};
  settings.users = {{"app", "$y$secret-hash", "SCRAM-SHA-256$secret-keys"}};
  return settings;
}

TEST(DescribeTest, names_settings_as_the_file_does) {
  auto settings = with_a_client();
  settings.limits.recipients = 7;
  settings.signing.parents = {{*Domain::parse("news.a.example"), *Domain::parse("a.example")}};
  const auto described = describe(settings);
  EXPECT_EQ(described.at("limits.recipients"), "7");
  EXPECT_EQ(described.at("client apps.domains"), "a.example, b.example");
  EXPECT_EQ(described.at("client apps.alignment"), "none");
  EXPECT_EQ(described.at("signing.parents.news.a.example"), "a.example");
  EXPECT_EQ(described.at("alignment.deadline"), "10000ms");
}

TEST(DescribeTest, knows_the_sections_of_admin_audit_rotation_and_reload) {
  Settings settings;
  settings.admin.listen = *Endpoint::parse("127.0.0.1:9126");
  settings.audit.enabled = true;
  settings.rotation.quiet_hours = std::pair{minutes(60), minutes(120)};
  settings.reload.refuse_if_unsigned = true;
  const auto described = describe(settings);
  EXPECT_EQ(described.at("admin.listen"), "127.0.0.1:9126");
  EXPECT_EQ(described.at("admin.requests_per_second"), "50");
  EXPECT_EQ(described.at("audit.enabled"), "true");
  EXPECT_EQ(described.at("audit.used_every"), "3600s");
  EXPECT_EQ(described.at("rotation.quiet_hours"), "60min to 120min");
  EXPECT_EQ(described.at("rotation.proof"), "authoritative");
  EXPECT_EQ(described.at("reload.refuse_if_unsigned"), "true");
  EXPECT_EQ(described.at("reload.refuse_if_misaligned"), "false");
}

TEST(DescribeTest, tells_no_secret) {
  for (const auto& [name, value] : describe(with_a_client()))
    EXPECT_EQ(value.find("secret"), std::string::npos) << name;
}

TEST(CompareTest, finds_what_differs_what_comes_and_what_goes) {
  const auto before = describe(with_a_client());
  auto settings = with_a_client();
  settings.clients.front().pool = "bulk";
  settings.pools = {{.name = "bulk", .addresses = {}}};
  settings.users.clear();
  EXPECT_THAT(compare(before, describe(settings)),
              ElementsAre(SettingChange{"client apps.pool", "", "bulk"},
                          SettingChange{"pool bulk.addresses", "", "none"},
                          SettingChange{"user app.password", "true", ""},
                          SettingChange{"user app.scram", "true", ""}));
  EXPECT_THAT(compare(before, before), IsEmpty());
  EXPECT_THAT(compare({{"listen old.hostname", ""}}, {{"listen new.hostname", ""}}), IsEmpty());
}

}  // namespace
}  // namespace signet::config
