#include "relay/authorise/authoriser.hpp"

#include <gtest/gtest.h>

namespace signet::authorise {
namespace {

Domain domain(std::string_view text) { return *Domain::parse(text); }
IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

config::ClientSettings client(std::string name) {
  config::ClientSettings made;
  made.name = std::move(name);
  return made;
}

config::Settings settings_with_clients() {
  config::Settings settings;
  auto wide = client("wide");
  wide.networks = {*IpNetwork::parse("10.0.0.0/8")};
  auto narrow = client("narrow");
  narrow.networks = {*IpNetwork::parse("192.0.2.0/24"), *IpNetwork::parse("10.1.0.0/16")};
  auto everyone_v6 = client("everyone-v6");
  everyone_v6.networks = {*IpNetwork::parse("::/0")};
  auto people = client("people");
  people.users = {"ann", "bob"};
  auto machine = client("machine");
  machine.certificates = {"aa11"};
  settings.clients = {wide, narrow, everyone_v6, people, machine};
  return settings;
}

struct PeerCase {
  std::string address;
  std::string user;
  std::string fingerprint;
  std::string expected;  ///< Empty: no client.
};

TEST(FindClientTest, asks_for_user_then_certificate_then_the_longest_network) {
  const auto settings = settings_with_clients();
  const std::vector<PeerCase> cases{
      {"10.1.2.3", "ann", "aa11", "people"},  {"10.1.2.3", "", "aa11", "machine"},
      {"10.1.2.3", "", "", "narrow"},         {"10.2.2.3", "", "", "wide"},
      {"::ffff:10.1.2.3", "", "", "narrow"},  {"::ffff:10.2.2.3", "", "", "wide"},
      {"2001:db8::1", "", "", "everyone-v6"}, {"203.0.113.1", "", "", ""},
      {"::ffff:203.0.113.1", "", "", ""},     {"203.0.113.1", "eve", "", ""},
      {"203.0.113.1", "eve", "bb22", ""},     {"203.0.113.1", "eve", "aa11", "machine"},
      {"10.2.2.3", "eve", "", "wide"},
  };
  for (const auto& [from, user, fingerprint, expected] : cases) {
    const auto* found = find_client(settings, Peer{address(from), user, fingerprint});
    EXPECT_EQ(found == nullptr ? "" : found->name, expected) << from << " " << user;
  }
}

TEST(FindClientTest, a_name_of_a_verified_certificate_is_a_credential) {
  auto settings = settings_with_clients();
  settings.clients[3].certificate_names = {"db.example.com"};
  Peer peer{address("203.0.113.1"), "", "ffff"};
  peer.certificate_names = {"x.example.com", "db.example.com"};
  EXPECT_EQ(find_client(settings, peer)->name, "people");
  peer.certificate_fingerprint = "aa11";
  EXPECT_EQ(find_client(settings, peer)->name, "machine");
  peer = {address("203.0.113.1"), "", "ffff"};
  peer.certificate_names = {"a.db.example.com", "*.example.com", ""};
  EXPECT_EQ(find_client(settings, peer), nullptr);
}

TEST(FindClientTest, at_a_unix_socket_only_the_user_counts_and_no_network) {
  auto settings = settings_with_clients();
  settings.clients[0].networks.push_back(*IpNetwork::parse("0.0.0.0/0"));
  Peer peer{{}, "", ""};
  peer.unix_user = 33;
  EXPECT_EQ(find_client(settings, peer), nullptr);
  settings.clients[1].all_unix_users = true;
  EXPECT_EQ(find_client(settings, peer)->name, "narrow");
  settings.clients[4].unix_users = {33};
  EXPECT_EQ(find_client(settings, peer)->name, "machine");
  peer.unix_user = 34;
  EXPECT_EQ(find_client(settings, peer)->name, "narrow");
  EXPECT_EQ(to_string(peer), "unix:34");
}

TEST(FindClientTest, nobody_is_a_client_when_none_is_configured) {
  EXPECT_EQ(find_client({}, Peer{address("127.0.0.1"), "root", "aa11"}), nullptr);
}

TEST(RewriteTest, takes_the_exact_host_and_then_the_longest_suffix) {
  config::Settings settings;
  settings.rewrites = {{".internal", true, domain("example.com")},
                       {".db.internal", true, domain("db.example.com")},
                       {"web.db.internal", false, domain("web.example.com")}};
  const std::vector<std::pair<std::string, std::string>> cases{
      {"web.db.internal", "web.example.com"},  {"x.db.internal", "db.example.com"},
      {"y.web.db.internal", "db.example.com"}, {"db.internal", "example.com"},
      {"a.internal", "example.com"},           {"internal", "internal"},
      {"notinternal", "notinternal"},          {"a.notinternal", "a.notinternal"},
      {"example.org", "example.org"},
  };
  for (const auto& [from, expected] : cases) {
    const Mailbox made = rewrite(settings, Mailbox{"root", domain(from)});
    EXPECT_EQ(made.to_string(), "root@" + expected) << from;
  }
}

TEST(CheckSenderTest, allows_the_null_sender_and_the_clients_own_domains_exactly) {
  auto apps = client("apps");
  apps.domains = {domain("example.com")};
  EXPECT_TRUE(check_sender(apps, std::nullopt, false));
  EXPECT_TRUE(check_sender(apps, Mailbox{"a", domain("example.com")}, false));
  for (const char* other : {"sub.example.com", "example.org", "com"}) {
    const auto answer = check_sender(apps, Mailbox{"a", domain(other)}, true);
    ASSERT_FALSE(answer) << other;
    EXPECT_EQ(answer.error().fault, Fault::sender_not_allowed);
    EXPECT_EQ(answer.error().public_text(), std::string("Sender domain ") + other +
                                                " is not allowed for client apps: add it to the "
                                                "client's domains");
  }
}

TEST(CheckSenderTest, a_client_that_relays_foreign_mail_may_use_any_sender) {
  auto mta = client("mta");
  for (const auto policy :
       {config::ForeignFrom::relay, config::ForeignFrom::relay_and_sign_platform}) {
    mta.foreign_from = policy;
    EXPECT_TRUE(check_sender(mta, Mailbox{"a", domain("example.org")}, false));
  }
}

TEST(CheckAuthorTest, names_the_domain_and_the_client_when_it_refuses) {
  auto apps = client("apps");
  apps.domains = {domain("example.com")};
  EXPECT_EQ(*check_author(apps, domain("example.com"), false), Authorship::own);
  const auto refused = check_author(apps, domain("example.org"), true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::author_not_allowed);
  EXPECT_EQ(refused.error().public_text(),
            "From domain example.org is not allowed for client apps: add it to the client's "
            "domains");
}

TEST(CheckAuthorTest, all_domains_means_those_of_the_store) {
  auto apps = client("apps");
  apps.all_domains = true;
  EXPECT_EQ(*check_author(apps, domain("example.com"), true), Authorship::own);
  EXPECT_FALSE(check_author(apps, domain("example.com"), false));
  apps.foreign_from = config::ForeignFrom::relay;
  EXPECT_EQ(*check_author(apps, domain("example.com"), false), Authorship::foreign);
}

TEST(CheckAuthorTest, the_public_text_is_printable_whatever_the_client_is_called) {
  auto apps = client("caf\xC3\xA9\r\n250 ok");
  const auto refused = check_author(apps, domain("example.org"), false);
  ASSERT_FALSE(refused);
  for (const char octet : refused.error().public_text()) EXPECT_TRUE(octet >= ' ' && octet <= '~');
}

}  // namespace
}  // namespace signet::authorise
