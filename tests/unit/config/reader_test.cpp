#include "config/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/scratch_folder.hpp"

namespace signet::config {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kTop =
    "hostname = 'mx.example'\nstore = '/s'\nspool = 'queue'\n";                // 1-3
constexpr std::string_view kListen = "[[listen]]\naddress = '127.0.0.1:0'\n";  // 4-5
constexpr std::string_view kClient =
    "[[client]]\nname = 'apps'\nnetworks = ['10.0.0.0/8']\n"  // 6-8
    "domains = ['example.com']\n";                            // 9
constexpr std::string_view kHash = "'$y$j9T$abcdefgh$0123456789'";

std::string with(std::string_view more) {
  return std::string(kTop) + std::string(kListen) + std::string(kClient) + std::string(more);
}

std::vector<std::string> words(const std::vector<Problem>& problems) {
  std::vector<std::string> texts;
  for (const Problem& problem : problems) texts.push_back(problem.to_string());
  return texts;
}

Settings settings_of(const std::string& text) {
  const Loaded loaded = load_text(text, "/etc/signet/signet.toml");
  EXPECT_THAT(words(loaded.problems), IsEmpty());
  return loaded.settings ? *loaded.settings : Settings{};
}

struct Wrong {
  std::string more;  ///< After the nine lines of a good file.
  std::string problem;
};

void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.more; }

class WrongTest : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongTest, is_told_with_its_place) {
  const Loaded loaded = load_text(with(GetParam().more), "signet.toml");
  EXPECT_EQ(loaded.settings, nullptr);
  EXPECT_THAT(words(loaded.problems), ElementsAre(HasSubstr(GetParam().problem)));
}

const std::vector<Wrong> kUnknownKeys{
    {"[[listen]]\nadress = '[::1]:0'\naddress = '[::1]:0'",
     "signet.toml:11:1: unknown key 'adress' in [[listen]]: did you mean 'address'?"},
    {"[limit]\n", "signet.toml:10:2: unknown key 'limit': did you mean 'limits'?"},
    {"[queue]\nlive = '5d'\n", "unknown key 'live' in [queue]: did you mean 'life'?"},
    {"[monitoring]\nallow_private_mx = false\n", "it belongs before the first [section]"},
    {"[dsn]\nzzzzzzzzzzzz = 1\n", "signet.toml:11:1: unknown key 'zzzzzzzzzzzz' in [dsn]"},
    {"[[pool]]\nname = 'default'\naddresses = [{ bind = '198.51.100.5', publik = '192.0.2.1' }]\n",
     "unknown key 'publik' in 'addresses' of [[pool]]: did you mean 'public'?"},
};
INSTANTIATE_TEST_SUITE_P(UnknownKeys, WrongTest, ::testing::ValuesIn(kUnknownKeys));

const std::vector<Wrong> kWrongValues{
    {"[limits]\nrecipients = '100'\n",
     "signet.toml:11:14: 'recipients' in [limits] must be an integer, not a string"},
    {"[limits]\nrecipients = 99\n", "must be from 100 to 4294967295"},
    {"[limits]\nhops = -1\n", "'hops' in [limits] must be from 1 to"},
    {"[limits]\nmessage_bytes = '25 MB'\n", "must be a size, such as \"25 MiB\""},
    {"[limits]\nheader_bytes = '4 GiB'\n", "must be less than 4 GiB"},
    {"[limits]\nmin_free_share = 1.5\n", "must be a number from 0 to 1"},
    {"[timeouts]\nmail = 300\n", "must be a string, not an integer"},
    {"[timeouts]\nmail = '5 minutes'\n", "must be a duration, such as"},
    {"[timeouts]\nmail = '500ms'\n", "'mail' in [timeouts] must be at least 1000ms"},
    {"[timeouts]\nmail = '1500ms'\n", "must be whole seconds"},
    {"[queue]\nretries = ['5m', '0s']\n", "signet.toml:11:18: 'retries' in [queue] must hold"},
    {"[queue]\nretries = ['5m', '59s']\n", "must hold durations of at least 60s"},
    {"[queue]\nretry_later = '30s'\n", "'retry_later' in [queue] must be at least 60000ms"},
    {"[queue]\nretries = []\n", "must hold at least one duration"},
    {"[signing]\nprofile = 'bulky'\n", "'profile' in [signing] is one of: standard, bulk"},
    {"[signing]\nplatform_domain = 'a_b'\n", "is \"a_b\", which is not a domain name"},
    {"[signing.parents]\n'a.example' = 5\n", "needs domain names"},
    {"[dsn]\nfrom = 'MAILER-DAEMON'\n", "which is not a mailbox"},
    {"[dsn]\nfrom = 'a..b@example.com'\n", "which is not a mailbox"},
    {"[[listen]]\naddress = 'localhost:25'\n", "which is not an address with a port"},
    {"[[listen]]\nname = 'x'\n", "signet.toml:10:1: 'address' in [[listen]] is missing"},
    {"[[client]]\nname = 'b'\nnetworks = ['10.0.0.1/8']\ndomains = []\n",
     "signet.toml:12:13: 'networks' in [[client]] is \"10.0.0.1/8\", which is not a network"},
    {"[[client]]\nname = 'b'\nnetworks = ['::1']\ndomains = 'every'\n", "must be an array"},
    {"[[client]]\nname = 'b'\nnetworks = ['::1', 5]\ndomains = []\n",
     "'networks' in [[client]] must hold strings, not an integer"},
    {"[[client]]\nname = 'b'\nnetworks = ['::1']\ndomains = []\ncertificates = ['abcd']\n",
     "a SHA-256 fingerprint in hex"},
    {"[[client]]\nname = 'b'\nnetworks = ['::1']\ndomains = []\nrepair = ['all']\n",
     "is of: long_lines, eight_bit_header, bare_lf"},
    {"[[client]]\nname = 'b b'\nnetworks = ['::1']\ndomains = []\n", "printable ASCII"},
    {"[rewrite]\n'web 01' = 'example.com'\n", "needs \"host.name\" or \".suffix\""},
    {"[[user]]\nname = 'u'\npassword = 'secret'\n", "must be a hash that begins with"},
    {"[[pool]]\nname = 'default'\naddresses = [{ bind = '198.51.100.5', weight = 0 }]\n",
     "must be from 1 to 1000"},
    {"[[route]]\nname = 'r'\ndefault = true\nnext_hop = 'relay.example'\n", "write \"mx\""},
    {"[[route]]\nname = 'r'\ndefault = true\nnext_hop = 'smtp://host:0'\n", "write \"mx\""},
    {"[[route]]\nname = 'r'\ndefault = true\nnext_hop = []\n", "names no host"},
    {"[monitoring]\nlog_level = 'loud'\n", "is one of: trace, debug"},
    {"[monitoring]\nlisten = '9125'\n", "which is not an address with a port"},
    {"[resolver]\nservers = ['dns.example']\nmode = 'system'\n", "which is not an address"},
    {"[tls]\nclient_ca = 2026-11-23\n", "signet.toml:11:13: no setting is a date"},
    {"dsn = 5\n", "signet.toml:10:1: unknown key 'dsn' in [[client]]"},
};
INSTANTIATE_TEST_SUITE_P(WrongValues, WrongTest, ::testing::ValuesIn(kWrongValues));

const std::vector<Wrong> kContradictions{
    {"pool = 'fast'\n", "signet.toml:10:8: there is no [[pool]] with the name 'fast'"},
    {"users = ['app']\n", "names 'app', and no [[user]] has that name"},
    {"foreign_from = 'relay_and_sign_platform'\n", "needs 'platform_domain' in [signing]"},
    {"[[listen]]\naddress = '[::1]:0'\ntls = 'starttls'\n", "needs a certificate"},
    {"[[listen]]\naddress = '[::1]:0'\ntls = 'implicit'\n", "needs a certificate"},
    {"[[listen]]\naddress = '[::1]:0'\nrequire_tls = true\n", "needs tls = \"starttls\""},
    {"[[listen]]\naddress = '[::1]:0'\nrequire_auth = true\n", "needs a [[user]]"},
    {"[[listen]]\naddress = '[::1]:25'\n[[listen]]\naddress = '[::1]:25'\n",
     "where another [[listen]] is"},
    {"[[client]]\nname = 'apps'\nnetworks = ['::1']\ndomains = []\n",
     "signet.toml:11:8: the name 'apps' is taken by the client of line 7"},
    {"[[client]]\nname = 'b'\nnetworks = ['10.0.0.0/8']\ndomains = []\n",
     "holds 10.0.0.0/8, as client 'apps' does"},
    {"[[client]]\nname = 'b'\ndomains = []\n", "is a client nobody can be"},
    {"[[client]]\nname = 'b'\ndomains = []\nnetworks = []\n", "is a client nobody can be"},
    {"[[client]]\nname = 'b'\ncertificates = "
     "['0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef']\ndomains = []\n"
     "repair = ['bare_lf']\n",
     "set 'networks'"},
    {"[[client]]\nname = 'b'\nnetworks = ['::1']\ndomains = { file = 'missing.txt' }\n",
     "'file' in [client.domains] can't be read: " +
         (std::filesystem::current_path() / "missing.txt").string()},
    {"[[pool]]\nname = 'fast'\n", "'pool' must have one with name = \"default\""},
    {"[[pool]]\nname = 'default'\naddresses = [{ bind = '198.51.100.5', public = '2001:db8::1' "
     "}]\n",
     "same family"},
    {"[[pool]]\nname = 'default'\naddresses = [{ bind = '198.51.100.5' }, { bind = '198.51.100.5' "
     "}]\n",
     "is in this pool already"},
    {"[[route]]\nname = 'a'\ndefault = true\nnext_hop = 'mx'\n"
     "[[route]]\nname = 'b'\ndefault = true\nnext_hop = 'mx'\n",
     "'default' in [[route]] is true for route 'a' already"},
    {"[[route]]\nname = 'a'\ndomains = ['x.example']\nnext_hop = 'mx'\n"
     "[[route]]\nname = 'b'\ndomains = ['X.example']\nnext_hop = 'mx'\n",
     "holds x.example, as route 'a' does"},
    {"[[route]]\nname = 'a'\nnext_hop = 'mx'\n", "is a route for nobody"},
    {"[[route]]\nname = 'default'\ndomains = ['x.example']\nnext_hop = 'mx'\n",
     "the name 'default' is taken"},
    {"[[route]]\nname = 'a'\ndefault = true\nnext_hop = 'smtp://h.example'\nuser = 'u'\n",
     "go together"},
    {"[[route]]\nname = 'a'\ndefault = true\nnext_hop = 'smtp://h.example'\nuser = 'u'\n"
     "password_file = 'p'\ntls = 'none'\n",
     "where a password is sent"},
    {"[[route]]\nname = 'a'\ndefault = true\nnext_hop = 'mx'\nspf_addresses = ['192.0.2.0/24']\n",
     "is for a next hop that is a host"},
    {"[[route]]\nname = 'a'\ndefault = true\nnext_hop = ['smtp://a.example', "
     "'smtps://b.example']\n",
     "the same port"},
    {"[resolver]\nmode = 'servers'\n", "'servers' must name some"},
    {"[resolver]\nmode = 'recursive'\nservers = ['::1']\n", "is used only with mode"},
    {"[tls]\ncertificate = 'a.crt'\n", "'key' in [tls] is missing"},
};
INSTANTIATE_TEST_SUITE_P(Contradictions, WrongTest, ::testing::ValuesIn(kContradictions));

TEST(ReaderTest, paths_begin_at_the_folder_of_a_file_of_the_working_directory) {
  const Loaded loaded = load_text(with(""), "signet.toml");
  ASSERT_NE(loaded.settings, nullptr);
  EXPECT_EQ(loaded.settings->spool, std::filesystem::current_path() / "queue");
}

TEST(ReaderTest, tells_all_problems_in_the_order_of_the_file) {
  const Loaded loaded =
      load_text("spool = 5\n[[listen]]\nadress = 'x'\n[limits]\nhops = 'y'\n", "f");
  EXPECT_THAT(words(loaded.problems),
              ElementsAre("f: 'store' is missing", HasSubstr("f:1:9: 'spool' must be a string"),
                          HasSubstr("f:2:1: 'address' in [[listen]] is missing"),
                          HasSubstr("f:3:1: unknown key"), HasSubstr("f:5:8: 'hops'")));
}

TEST(ReaderTest, says_once_what_is_wrong_with_the_only_duration) {
  EXPECT_THAT(words(load_text("[queue]\nretries = ['20s']\n", "f").problems),
              ::testing::Contains(HasSubstr("'retries' in [queue]")).Times(1));
}

TEST(ReaderTest, tells_where_the_syntax_is_wrong) {
  const Loaded loaded = load_text("hostname = \"mx\"\n[[listen]\n", "f");
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_THAT(loaded.problems[0].where, HasSubstr("f:2:"));
}

TEST(ReaderTest, a_missing_file_is_a_problem) {
  const Loaded loaded = load("/nonexistent/signet.toml");
  EXPECT_EQ(loaded.settings, nullptr);
  EXPECT_THAT(words(loaded.problems), ElementsAre(HasSubstr("/nonexistent/signet.toml: can't")));
  EXPECT_THAT(words(load("/").problems), ElementsAre(HasSubstr("/: can't be read")));
}

TEST(ReaderTest, a_file_without_listener_or_client_says_so) {
  const Loaded none = load_text(kTop, "f");
  EXPECT_THAT(words(none.problems), ElementsAre(HasSubstr("there is no [[listen]]")));
  const Loaded no_client = load_text(std::string(kTop) + std::string(kListen), "f");
  EXPECT_NE(no_client.settings, nullptr);
  EXPECT_THAT(words(no_client.warnings),
              ElementsAre(HasSubstr("'from' in [dsn] is not set"), HasSubstr("nobody can send")));
}

TEST(ReaderTest, a_password_is_never_repeated_in_a_problem) {
  const Loaded loaded = load_text(with("[[user]]\nname = 'u'\npassword = 'swordfish'\n"), "f");
  for (const std::string& text : words(loaded.problems))
    EXPECT_THAT(text, Not(HasSubstr("swordfish")));
  EXPECT_FALSE(loaded.problems.empty());
}

TEST(ReaderTest, a_minimal_file_has_a_pool_and_a_route) {
  const Settings settings = settings_of(with(""));
  ASSERT_EQ(settings.pools.size(), 1U);
  EXPECT_EQ(settings.pools[0].name, "default");
  ASSERT_EQ(settings.routes.size(), 1U);
  EXPECT_EQ(settings.routes[0].name, "default");
  EXPECT_EQ(settings.routes[0].kind, RouteKind::mx);
  EXPECT_TRUE(settings.routes[0].is_default);
  EXPECT_EQ(settings.listeners[0].name, "127.0.0.1:0");
  EXPECT_EQ(settings.listeners[0].tls, ListenerTls::none);
  EXPECT_EQ(settings.hostname, "mx.example");
}

TEST(ReaderTest, paths_begin_at_the_folder_of_the_file) {
  const Settings settings = settings_of(with(""));
  EXPECT_EQ(settings.store, "/s");
  EXPECT_EQ(settings.spool, "/etc/signet/queue");
  EXPECT_EQ(settings.monitoring.socket, "/etc/signet/queue/signet.sock");
  EXPECT_EQ(settings.monitoring.delivery_log, "/etc/signet/queue/delivery.log");
  EXPECT_EQ(settings_of(with("[monitoring]\ndelivery_log = '-'\n")).monitoring.delivery_log, "-");
}

TEST(ReaderTest, a_certificate_makes_starttls_the_default) {
  const Settings settings = settings_of(with(
      "[tls]\ncertificate = 'a.crt'\nkey = '/k'\nmore = [{ certificate = 'b', key = 'c' }]\n"));
  ASSERT_EQ(settings.tls.certificates.size(), 2U);
  EXPECT_EQ(settings.tls.certificates[0].certificate, "/etc/signet/a.crt");
  EXPECT_EQ(settings.tls.certificates[0].key, "/k");
  EXPECT_EQ(settings.tls.certificates[1].key, "/etc/signet/c");
  EXPECT_EQ(settings.listeners[0].tls, ListenerTls::starttls);
}

TEST(ReaderTest, reads_a_client) {
  const Settings settings = settings_of(
      with("users = ['app']\ncertificates = "
           "['01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:"
           "89:AB:CD:EF']\nmessages_per_hour = 5\nforeign_from = 'relay'\nallow_unsigned = "
           "true\nalignment = 'tag'\n"
           "repair = ['bare_lf', 'long_lines']\n[[user]]\nname = 'app'\npassword = ") +
      std::string(kHash));
  const ClientSettings& client = settings.clients.at(0);
  EXPECT_THAT(client.users, ElementsAre("app"));
  EXPECT_THAT(client.certificates,
              ElementsAre("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"));
  EXPECT_EQ(client.networks.at(0).to_string(), "10.0.0.0/8");
  EXPECT_EQ(client.domains.size(), 1U);
  EXPECT_FALSE(client.all_domains);
  EXPECT_EQ(client.messages_per_hour, 5U);
  EXPECT_EQ(client.foreign_from, ForeignFrom::relay);
  EXPECT_TRUE(client.allow_unsigned);
  EXPECT_EQ(client.alignment, AlignmentPolicy::tag);
  EXPECT_TRUE(client.repair.bare_lf && client.repair.long_lines && !client.repair.eight_bit_header);
}

class DomainFileTest : public ::testing::Test {
 protected:
  Loaded load_with(std::string_view domains) {
    directory_.write("domains.txt", domains);
    std::ofstream(directory_ / "signet.toml")
        << kTop << kListen
        << "[[client]]\nname = 'a'\nnetworks = ['::1']\ndomains = { file = 'domains.txt' }\n";
    return load(directory_ / "signet.toml");
  }

 private:
  test::ScratchFolder directory_;
};

TEST_F(DomainFileTest, holds_one_domain_a_line) {
  const Loaded loaded = load_with("# ours\nexample.com\n\n  Example.ORG\t# old\r\n");
  ASSERT_NE(loaded.settings, nullptr);
  std::vector<std::string> names;
  for (const Domain& domain : loaded.settings->clients[0].domains) names.push_back(domain.text());
  EXPECT_THAT(names, ElementsAre("example.com", "example.org"));
}

TEST_F(DomainFileTest, a_wrong_line_is_told_with_its_number) {
  EXPECT_THAT(words(load_with("example.com\nnot a domain\n").problems),
              ElementsAre(HasSubstr("domains.txt:2")));
}

TEST(ReaderTest, all_domains_of_the_store_may_be_allowed) {
  const Settings settings =
      settings_of(with("[[client]]\nname = 'b'\nnetworks = ['::1']\ndomains = 'all'\n"));
  EXPECT_TRUE(settings.clients.at(1).all_domains);
}

TEST(ReaderTest, reads_rewrites_of_hosts_and_suffixes) {
  const Settings settings = settings_of(
      with("[rewrite]\n'Web01.Internal' = 'example.com'\n'.internal' = 'example.com'\n"));
  ASSERT_EQ(settings.rewrites.size(), 2U);
  for (const RewriteRule& rule : settings.rewrites) {
    EXPECT_EQ(rule.match, rule.is_suffix ? ".internal" : "web01.internal");
    EXPECT_EQ(rule.domain.text(), "example.com");
  }
}

TEST(ReaderTest, an_egress_address_is_public_and_greets_as_the_host_unless_told) {
  const Settings settings = settings_of(with(
      "[[pool]]\nname = 'fast'\n[[pool]]\nname = 'default'\naddresses = [{ bind = '198.51.100.5' },"
      "{ bind = '10.0.0.6', public = '192.0.2.7', helo = 'Out.Example', weight = 3 }]\n"));
  ASSERT_EQ(settings.pools.size(), 2U);
  ASSERT_EQ(settings.pools[0].name, "default") << "the default pool comes first";
  const auto& addresses = settings.pools[0].addresses;
  ASSERT_EQ(addresses.size(), 2U);
  EXPECT_EQ(addresses[0].public_address.to_string(), "198.51.100.5");
  EXPECT_EQ(addresses[0].helo, "mx.example");
  EXPECT_EQ(addresses[0].weight, 1U);
  EXPECT_EQ(addresses[1].public_address.to_string(), "192.0.2.7");
  EXPECT_EQ(addresses[1].helo, "out.example");
  EXPECT_EQ(addresses[1].weight, 3U);
}

struct NextHopCase {
  std::string next_hop;
  RouteKind kind;
  std::vector<std::string> hosts;
  std::uint16_t port;
  bool implicit_tls;
};

TEST(ReaderTest, reads_next_hops) {
  const std::vector<NextHopCase> cases{
      {"'mx'", RouteKind::mx, {}, 25, false},
      {"'smtp://Relay.Example'", RouteKind::host, {"relay.example"}, 25, false},
      {"'smtp://relay.example:587'", RouteKind::host, {"relay.example"}, 587, false},
      {"'smtps://relay.example'", RouteKind::host, {"relay.example"}, 465, true},
      {"'smtp://[2001:db8::1]:26'", RouteKind::host, {"2001:db8::1"}, 26, false},
      {"'smtp://[2001:db8::1]'", RouteKind::host, {"2001:db8::1"}, 25, false},
      {"['smtp://192.0.2.1', 'smtp://b.example']",
       RouteKind::host,
       {"192.0.2.1", "b.example"},
       25,
       false},
      {"'maildir:mail'", RouteKind::maildir, {}, 25, false},
  };
  for (const NextHopCase& c : cases) {
    const Settings settings =
        settings_of(with("[[route]]\nname = 'r'\ndefault = true\nnext_hop = " + c.next_hop));
    const RouteSettings& route = settings.routes.at(0);
    EXPECT_EQ(route.kind, c.kind) << c.next_hop;
    EXPECT_EQ(route.hosts, c.hosts) << c.next_hop;
    EXPECT_EQ(route.port, c.port) << c.next_hop;
    EXPECT_EQ(route.implicit_tls, c.implicit_tls) << c.next_hop;
    if (c.kind == RouteKind::maildir) EXPECT_EQ(route.maildir, "/etc/signet/mail");
  }
}

TEST(ReaderTest, reads_resolvers_with_and_without_a_port) {
  const Settings settings =
      settings_of(with("[resolver]\nservers = ['192.0.2.1', '[::1]:5353']\n"));
  EXPECT_EQ(settings.resolver.mode, ResolverOptions::Mode::servers);
  EXPECT_EQ(settings.resolver.servers.at(0).to_string(), "192.0.2.1:53");
  EXPECT_EQ(settings.resolver.servers.at(1).to_string(), "[::1]:5353");
}

TEST(ReaderTest, reads_durations_and_sizes) {
  const Settings settings = settings_of(
      with("[queue]\nlife = '4d'\nretries = ['90s', '1h']\n[limits]\nmessage_bytes = 1000\n"
           "header_bytes = '64 KiB'\nmin_free_share = 0\n[resolver]\ntimeout = '500ms'\n"));
  EXPECT_EQ(settings.queue.life, hours(96));
  EXPECT_THAT(settings.queue.retries, ElementsAre(seconds(90), seconds(3600)));
  EXPECT_EQ(settings.limits.message_bytes, 1000U);
  EXPECT_EQ(settings.limits.header_bytes, 65536U);
  EXPECT_EQ(settings.limits.min_free_share, 0);
  EXPECT_EQ(settings.resolver.timeout.count(), 500);
}

TEST(ReaderTest, an_audit_asks_fifty_questions_a_second_at_most) {
  const Settings settings =
      settings_of(with("[audit]\nenabled = true\nused_every = '10m'\nqueries_per_second = 50\n"));
  EXPECT_TRUE(settings.audit.enabled);
  EXPECT_EQ(settings.audit.used_every, seconds(600));
  EXPECT_EQ(settings.audit.unused_every, hours(24));
  EXPECT_EQ(load_text(with("[audit]\nqueries_per_second = 51\n"), "f").settings, nullptr);
}

TEST(ReaderTest, a_client_for_everybody_is_a_warning) {
  const Loaded loaded =
      load_text(with("[[client]]\nname = 'b'\nnetworks = ['0.0.0.0/0']\ndomains = []\n"), "f");
  EXPECT_THAT(words(loaded.warnings),
              ::testing::Contains(HasSubstr("holds 0.0.0.0/0: everybody may send")));
}

}  // namespace
}  // namespace signet::config
