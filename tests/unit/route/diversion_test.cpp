#include "relay/route/diversion.hpp"

#include <gmock/gmock.h>

namespace signet::route {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<const config::Settings> settings() {
  auto made = std::make_shared<config::Settings>();
  config::RouteSettings plain;
  plain.name = "default";
  plain.is_default = true;
  config::RouteSettings backup;
  backup.name = "backup";
  backup.domains = {*Domain::parse("backup.example")};
  made->routes = {plain, backup};
  return made;
}

const Domain kRecipient = *Domain::parse("receiver.example");

TEST(DiversionTest, a_route_goes_before_a_host) {
  EXPECT_EQ(*parse_diversion(*settings(), "backup"), "route backup");
  config::Settings odd = *settings();
  odd.routes[0].name = "mx.example.net";
  EXPECT_EQ(*parse_diversion(odd, "mx.example.net"), "route mx.example.net");
}

TEST(DiversionTest, a_next_hop_is_written_whole) {
  EXPECT_EQ(*parse_diversion(*settings(), "smtp://Relay.example.net"),
            "smtp://relay.example.net:25");
  EXPECT_EQ(*parse_diversion(*settings(), "smtps://relay.example.net"),
            "smtps://relay.example.net:465");
  EXPECT_EQ(*parse_diversion(*settings(), "192.0.2.1:2525"), "smtp://192.0.2.1:2525");
  EXPECT_EQ(*parse_diversion(*settings(), "relay.example.net"), "smtp://relay.example.net:25");
  EXPECT_EQ(*parse_diversion(*settings(), "smtp://[2001:db8::1]:26"), "smtp://[2001:db8::1]:26");
}

TEST(DiversionTest, what_is_neither_is_refused_with_the_names_of_the_routes) {
  for (const char* written : {"", "backap", "smtp://", "smtp://a b", "http://relay.example.net",
                              "relay.example.net:0", "relay.example.net:99999", "1.2.3.4.5"}) {
    const auto parsed = parse_diversion(*settings(), written);
    ASSERT_FALSE(parsed) << written;
    EXPECT_THAT(parsed.error().public_text(), HasSubstr("the routes are default, backup"));
  }
}

TEST(RouteOfTest, follows_the_table_without_a_diversion) {
  const auto found = route_of(settings(), "", kRecipient);
  ASSERT_TRUE(found.route);
  EXPECT_EQ(found.route->name, "default");
  EXPECT_EQ(found.by, RoutedBy::fallback);
  EXPECT_FALSE(found.is_made);
}

TEST(RouteOfTest, follows_the_order_of_an_operator) {
  const auto named = route_of(settings(), "route backup", kRecipient);
  ASSERT_TRUE(named.route);
  EXPECT_EQ(named.route->name, "backup");
  EXPECT_EQ(named.by, RoutedBy::order);
  const auto made = route_of(settings(), "smtps://[2001:db8::1]:26", kRecipient);
  ASSERT_TRUE(made.route);
  EXPECT_EQ(made.route->hosts, std::vector<std::string>{"2001:db8::1"});
  EXPECT_EQ(made.route->port, 26);
  EXPECT_TRUE(made.route->implicit_tls && made.is_made);
  EXPECT_EQ(made.route->kind, config::RouteKind::host);
  EXPECT_TRUE(made.route->user.empty());
}

TEST(RouteOfTest, a_route_that_is_gone_is_none) {
  EXPECT_FALSE(route_of(settings(), "route gone", kRecipient).route);
  EXPECT_FALSE(route_of(settings(), "damaged", kRecipient).route);
}

}  // namespace
}  // namespace signet::route
