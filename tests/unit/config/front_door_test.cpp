// Listeners with their own rules, and the credentials of clients and users.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/reader.hpp"
#include "config/scram_keys.hpp"

namespace signet::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kTop =
    "hostname = 'mx.example'\nstore = '/s'\nspool = 'queue'\n"
    "[tls]\ncertificate = 'c'\nkey = 'k'\nclient_ca = 'ca'\n";
constexpr std::string_view kClient = "[[client]]\nname = 'apps'\nnetworks = ['10.0.0.0/8']\n";
const std::string kScram =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

Loaded load(const std::string& more) { return load_text(std::string(kTop) + more, "signet.toml"); }

std::string told(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += problem.to_string() + "\n";
  return text;
}

TEST(FrontDoorTest, each_listener_has_its_own_rules) {
  const auto loaded = load(std::string(kClient) +
                           "[[listen]]\naddress = '[::1]:25'\nhostname = 'Smtp.example'\n"
                           "connections = 7\nmessage_bytes = '1 MiB'\nrecipients = 5\n"
                           "proxy_from = ['10.0.0.4', '2001:db8::/32']\n"
                           "[[listen]]\naddress = 'unix:/run/x.sock'\nmode = '0660'\n");
  ASSERT_NE(loaded.settings, nullptr) << told(loaded.problems);
  const auto& first = loaded.settings->listeners.at(0);
  EXPECT_EQ(first.hostname, "smtp.example");
  EXPECT_EQ(first.connections, 7U);
  EXPECT_EQ(first.message_bytes, 1U << 20U);
  EXPECT_EQ(first.recipients, 5U);
  EXPECT_EQ(first.proxy_from.size(), 2U);
  EXPECT_EQ(first.tls, ListenerTls::starttls);
  const auto& second = loaded.settings->listeners.at(1);
  EXPECT_EQ(second.name, "unix:/run/x.sock");
  EXPECT_EQ(second.socket, "/run/x.sock");
  EXPECT_EQ(second.socket_mode, 0660U);
  EXPECT_EQ(second.tls, ListenerTls::none) << "nobody listens in on a Unix socket";
}

TEST(FrontDoorTest, says_what_is_wrong_with_a_listener) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"address = 'unix:'", "must name a file"},
      {"address = 'unix:/" + std::string(120, 'x') + "'", "at most 107 octets"},
      {"address = 'unix:/x'\nproxy_from = ['10.0.0.1']", "'proxy_from' in [[listen]] is for"},
      {"address = 'unix:/x'\nmode = '0999'", "is octal"},
      {"address = 'unix:/x'\nmode = '66'", "is octal"},
      {"address = 'unix:/x'\nmode = '4755'", "is octal"},
      {"address = '[::1]:25'\nproxy_from = ['0.0.0.0/0']", "anybody could claim to be anybody"},
      {"address = '[::1]:25'\nproxy_from = ['10.0.0.1/8']", "which is not a network"},
      {"address = '[::1]:25'\nhostname = 'a b'", "'hostname'"},
      {"address = 'unix:/x'\n[[listen]]\naddress = 'unix:/x'\nname = 'y'", "another [[listen]]"},
  };
  for (const auto& [lines, expected] : cases) {
    EXPECT_THAT(told(load(std::string(kClient) + "[[listen]]\n" + lines + "\n").problems),
                HasSubstr(expected))
        << lines;
  }
}

TEST(FrontDoorTest, clients_are_named_by_certificates_and_unix_users) {
  const std::string listen = "[[listen]]\naddress = '[::1]:25'\n";
  const auto loaded = load(listen +
                           "[[client]]\nname = 'a'\ncertificate_names = ['DB.example']\n"
                           "[[client]]\nname = 'b'\nunix_users = ['root', '33']\n"
                           "[[client]]\nname = 'c'\nunix_users = 'all'\n");
  ASSERT_NE(loaded.settings, nullptr) << told(loaded.problems);
  const auto& clients = loaded.settings->clients;
  EXPECT_THAT(clients.at(0).certificate_names, ElementsAre("db.example"));
  EXPECT_THAT(clients.at(1).unix_users, ElementsAre(0U, 33U));
  EXPECT_TRUE(clients.at(2).all_unix_users);
  EXPECT_THAT(
      told(load(listen + "[[client]]\nname = 'a'\nunix_users = ['no-such-user']\n").problems),
      HasSubstr("whom this machine lacks"));
  EXPECT_THAT(told(load(listen + "[[client]]\nname = 'a'\nunix_users = []\n").problems),
              HasSubstr("a client nobody can be"));
  EXPECT_THAT(told(load_text("hostname = 'h.example'\nstore = '/s'\nspool = '/q'\n" + listen +
                                 "[[client]]\nname = 'a'\ncertificate_names = ['x']\n",
                             "signet.toml")
                       .problems),
              HasSubstr("needs 'client_ca'"));
}

TEST(FrontDoorTest, a_user_has_a_password_or_scram_keys_or_both) {
  const std::string listen = "[[listen]]\naddress = '[::1]:25'\n";
  const auto with = [&](const std::string& user) {
    return load(listen +
                "[[client]]\nname = 'a'\nusers = ['app', 'b']\n[[user]]\nname = 'b'\n"
                "scram = '" +
                kScram + "'\n[[user]]\nname = 'app'\n" + user + "\n");
  };
  EXPECT_THAT(told(with("scram = '" + kScram + "'").problems), "");
  EXPECT_THAT(told(with("password = '$y$j9T$abcdefgh$0123456789'").warnings),
              HasSubstr("user 'app' has no 'scram' and others have"));
  EXPECT_THAT(told(with("").problems), HasSubstr("password"));
  EXPECT_THAT(told(with("scram = 'pencil'").problems), HasSubstr("'scram' in [[user]] must be"));
}

TEST(FrontDoorTest, scram_keys_are_strict) {
  ASSERT_TRUE(parse_scram_keys(kScram));
  EXPECT_EQ(to_string(*parse_scram_keys(kScram)), kScram);
  const auto changed = [](std::string_view from, std::string_view to) {
    std::string text = kScram;
    return text.replace(text.find(from), from.size(), to);
  };
  for (const std::string& line :
       {std::string(), changed("SHA-256", "SHA-1"), changed("4096", "4095"),
        changed("4096", "99999999"), changed("4096", "+4096"), changed("4096", ""),
        changed("W22Z", "W2"), changed("W22ZaJ0SNY7soEsUEjb6gQ==", "W22Z"), changed("WG5d", "WG5"),
        changed("WG5d", "WG5!"), changed(":wf", "wf"), kScram + "="}) {
    EXPECT_FALSE(parse_scram_keys(line)) << line;
  }
}

}  // namespace
}  // namespace signet::config
