// The example configuration is documentation: it must load, and name every option once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>
#include <sstream>

#include "config/reading.hpp"

namespace signet::config {
namespace {

std::string example() {
  std::ostringstream text;
  text << std::ifstream(SIGNET_SOURCE_DIR "/config/signet.example.toml").rdbuf();
  return std::move(text).str();
}

/// With every optional line ("#key = …", "#[section]") switched on.
std::string whole_example() {
  return std::regex_replace(example(), std::regex("(^|\n)#(?=[^ \n])"), "$1");
}

std::string words(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += problem.to_string() + "\n";
  return text;
}

TEST(ExampleTest, loads_without_a_problem_or_warning) {
  const Loaded loaded = load(SIGNET_SOURCE_DIR "/config/signet.example.toml");
  EXPECT_EQ(words(loaded.problems), "");
  EXPECT_EQ(words(loaded.warnings), "");
  ASSERT_NE(loaded.settings, nullptr);
  EXPECT_EQ(loaded.settings->clients.at(0).name, "apps");
}

TEST(ExampleTest, what_is_installed_loads_and_lets_nobody_send) {
  std::ostringstream text;
  text << std::ifstream(SIGNET_SOURCE_DIR "/config/signet.toml").rdbuf();
  const Loaded loaded = load_text("hostname = 'mx.example.com'\n" + text.str(), "signet.toml");
  EXPECT_EQ(words(loaded.problems), "");
  ASSERT_NE(loaded.settings, nullptr);
  EXPECT_TRUE(loaded.settings->clients.empty());
}

TEST(ExampleTest, loads_with_every_option_switched_on) {
  const Loaded loaded = load_text(whole_example(), "/etc/signet/signet.toml");
  EXPECT_EQ(words(loaded.problems), "");
  EXPECT_EQ(words(loaded.warnings), "");
  ASSERT_NE(loaded.settings, nullptr);
  EXPECT_EQ(loaded.settings->routes.at(0).hosts, std::vector<std::string>{"relay.example.net"});
}

TEST(ExampleTest, documents_each_option_once) {
  std::map<std::string, int> written;
  std::istringstream lines(whole_example());
  std::string section;
  const std::regex header(R"(\[+([a-z_.]+)\]+)");
  const std::regex option(R"(([a-z_]+) = (.*))");
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, header)) {
      section = match[1].str() + ".";
      ++written[match[1]];
    } else if (std::regex_match(line, match, option)) {
      ++written[section + match[1].str()];
    }
  }
  Reading reading("signet.toml");
  Settings settings;
  read_settings(reading, parse_document(whole_example()).root, settings);
  EXPECT_GT(reading.known().size(), 90U);
  const std::regex within_a_line(R"(pool\.addresses\..*|tls\.more\..*|client\.domains\..*)");
  for (const std::string& key : reading.known()) {
    if (!std::regex_match(key, within_a_line)) EXPECT_EQ(written[key], 1) << key;
  }
}

TEST(ExampleTest, shows_the_defaults) {
  const Loaded minimal = load_text(
      "hostname = 'h.example'\nstore = '/s'\nspool = '/q'\n[[listen]]\naddress = '[::1]:25'\n"
      "[[client]]\nname = 'apps'\nnetworks = ['::1']\n",
      "x");
  const Loaded whole = load_text(whole_example(), "/etc/signet/signet.toml");
  ASSERT_NE(minimal.settings, nullptr);
  ASSERT_NE(whole.settings, nullptr);
  const auto limits = [](const Settings& s) {
    const Limits& l = s.limits;
    return std::tuple(l.message_bytes, l.recipients, l.header_bytes, l.header_fields, l.connections,
                      l.connections_per_address, l.junk_commands, l.hops, l.session_memory_bytes,
                      l.connections_per_destination, l.recipients_per_transaction,
                      l.messages_per_connection, l.min_free_bytes, l.min_free_share,
                      l.held_messages_per_domain, l.held_bytes_per_domain);
  };
  const auto times = [](const Settings& s) {
    const Timeouts& t = s.timeouts;
    const QueueSettings& q = s.queue;
    return std::tuple(t.command, t.data_block, t.tls_handshake, t.proxy_header,
                      t.min_bytes_per_second, t.connect, t.greeting, t.mail, t.rcpt, t.data,
                      t.block, t.final_dot, t.quit, t.idle_connection, t.drain, q.retries,
                      q.retry_later, q.life, q.null_sender_life, q.delay_dsn,
                      s.signing.signature_life, s.resolver.timeout, s.alignment.deadline,
                      s.alignment.reevaluate, s.clock.steady);
  };
  const auto client = [](const Settings& s) {
    const ClientSettings& c = s.clients.at(0);
    return std::tuple(c.messages_per_hour, c.recipients_per_hour, c.connections, c.foreign_from,
                      c.repair.long_lines, c.repair.eight_bit_header, c.repair.bare_lf,
                      c.allow_unsigned, s.loops, s.store_allow_group, s.allow_private_mx,
                      s.monitoring.log_level, s.admin.allow_remote, s.admin.requests_per_second,
                      s.signing.profile, s.alignment.enabled, s.alignment.policy,
                      s.clock.require_sync);
  };
  EXPECT_EQ(limits(*minimal.settings), limits(*whole.settings));
  EXPECT_EQ(times(*minimal.settings), times(*whole.settings));
  EXPECT_EQ(client(*minimal.settings), client(*whole.settings));
  const auto rotation = [](const Settings& s) {
    const RotationSettings& r = s.rotation;
    return std::tuple(r.interval, r.jitter, r.slack, r.revoked_for, r.poll, r.give_up, r.look_every,
                      r.ttl, r.at_once, r.fall_back, r.proof, r.authoritative_port, r.timeout,
                      r.key_algorithm);
  };
  EXPECT_EQ(rotation(*minimal.settings), rotation(*whole.settings));
  EXPECT_EQ(minimal.settings->audit, whole.settings->audit);
}

}  // namespace
}  // namespace signet::config
