#include "relay/net/resolver.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <future>

#include "relay/net/descriptor.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/scratch_folder.hpp"

namespace signet::net {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

const IpAddress kLoopback = IpAddress::parse("127.0.0.1").value();

/// Where Knot DNS was unpacked, or nothing.
fs::path find_peers() {
  const char* named = std::getenv("SIGNET_PEERS");
  const fs::path build = fs::path(SIGNET_BINARY_DIR) / ".." / "peers";
  for (const auto& root : {fs::path(named == nullptr ? "" : named), build / "root", build}) {
    if (fs::exists(root / "usr/sbin/knotd")) return root;
  }
  return {};
}

/// A UDP and a TCP socket on the same free port.
struct Port {
  Port() {
    for (;;) {
      udp = Descriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      tcp = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_storage storage{};
      socklen_t length = Endpoint{kLoopback, 0}.to_sockaddr(storage);
      auto* address = reinterpret_cast<sockaddr*>(&storage);
      if (bind(udp.get(), address, length) != 0) continue;
      getsockname(udp.get(), address, &length);
      endpoint = Endpoint::from_sockaddr(storage);
      if (bind(tcp.get(), address, length) == 0) return;
    }
  }
  Descriptor udp;
  Descriptor tcp;
  Endpoint endpoint;
};

constexpr auto kRootZone = R"($ORIGIN .
$TTL 300
@ SOA ns. hostmaster. 1 3600 600 86400 60
@ NS ns.
ns. A 127.0.0.1
example.com. MX 10 mx.example.com.
example.com. MX 20 mx2.example.com.
example.com. TXT "v=spf1 " "-all"
mx.example.com. A 192.0.2.1
mx.example.com. AAAA 2001:db8::1
www.example.com. CNAME web.example.com.
web.example.com. 100 A 192.0.2.2
o\226\152\131.example.com. A 192.0.2.3
localhost. A 127.0.0.5
host.test. A 127.0.0.6
1.0.0.10.in-addr.arpa. PTR mx.example.com.
unsigned. NS ns.
broken. NS ns.
broken. DS 1234 13 2 0000000000000000000000000000000000000000000000000000000000000000
)";

constexpr auto kChildZone = R"($TTL 300
@ SOA ns. hostmaster. 1 3600 600 86400 60
@ NS ns.
@ A 192.0.2.4
)";

/// Knot DNS as a forwarder that knows the whole world: a root zone, signed or not, and two
/// children.
class NameServer {
 public:
  NameServer(const fs::path& peers, bool signed_root) : peers_(peers) {
    for (const char* name : {"run", "db"}) fs::create_directories(folder_.path() / name);
    std::ofstream(folder_.path() / "root.zone") << kRootZone;
    std::ofstream(folder_.path() / "child.zone") << kChildZone;
    configuration_ = folder_.write("knot.conf", configuration(signed_root));
    start();
  }
  ~NameServer() { stop(); }
  /// Restarts it, with the root signed by the same key as ever or not at all.
  void restart(bool signed_root) {
    stop();
    configuration_ = folder_.write("knot.conf", configuration(signed_root));
    start();
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  [[nodiscard]] Endpoint endpoint() const { return endpoint_; }
  /// The root's key as a trust anchor file.
  [[nodiscard]] fs::path trust_anchor() const {
    const auto command = "LD_LIBRARY_PATH=" + libraries() + " " +
                         (peers_ / "usr/sbin/keymgr").string() + " -c " + configuration_.string() +
                         " . dnskey";
    FILE* output = popen(command.c_str(), "r");
    std::string record(1000, '\0');
    record.resize(fread(record.data(), 1, record.size(), output));
    EXPECT_EQ(pclose(output), 0);
    return folder_.write("anchor", "; the root\n" + record);
  }

 private:
  [[nodiscard]] std::string libraries() const {
    return (peers_ / "usr/lib/x86_64-linux-gnu").string();
  }
  [[nodiscard]] std::string configuration(bool signed_root) const {
    const auto folder = folder_.path().string();
    return "server:\n  rundir: " + folder + "/run\n  listen: 127.0.0.1@" +
           std::to_string(endpoint_.port) +
           "\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"
           "database:\n  storage: " +
           folder +
           "/db\n"
           "log:\n  - target: stdout\n    any: info\n"
           "policy:\n  - id: one\n    single-type-signing: on\n    algorithm: ecdsap256sha256\n"
           "template:\n  - id: default\n    storage: " +
           folder +
           "\n    zonefile-sync: -1\n"
           "    zonefile-load: difference-no-serial\n    journal-content: all\n"
           "zone:\n  - domain: .\n    file: root.zone\n    dnssec-policy: one\n"
           "    dnssec-signing: " +
           (signed_root ? "on" : "off") +
           "\n"
           "  - domain: unsigned.\n    file: child.zone\n"
           "  - domain: broken.\n    file: child.zone\n";
  }
  void stop() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  void start() {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    process_ = fork();
    if (process_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      dup2(ends[1], STDERR_FILENO);
      setenv("LD_LIBRARY_PATH", libraries().c_str(), 1);
      const auto program = (peers_ / "usr/sbin/knotd").string();
      execl(program.c_str(), "knotd", "-c", configuration_.c_str(), nullptr);
      _exit(127);
    }
    ::close(ends[1]);
    output_ = Descriptor(ends[0]);
    std::string log;
    char octet = 0;
    while (log.find("server started") == std::string::npos &&
           ::read(output_.get(), &octet, 1) == 1) {
      log += octet;
    }
    ASSERT_NE(log.find("server started"), std::string::npos) << log;
  }

  fs::path peers_;
  test::ScratchFolder folder_;
  Endpoint endpoint_ = Port().endpoint;
  fs::path configuration_;
  Descriptor output_;  // Kept open: Knot goes on logging.
  pid_t process_ = -1;
};

Task<Result<DnsAnswer>> ask(Resolver& resolver, Loop& loop, std::string name, RecordType type) {
  auto answer = co_await resolver.resolve(loop, std::move(name), type);
  co_return answer;
}

Task<void> ask_and_note(Resolver& resolver, Loop& loop, std::string name, RecordType type,
                        std::vector<Result<DnsAnswer>>& answers, std::size_t wanted) {
  auto answer = co_await resolver.resolve(loop, std::move(name), type);
  answers.push_back(std::move(answer));
  if (answers.size() == wanted) loop.stop();
}

std::unique_ptr<Resolver> resolver_of(ResolverSettings settings) {
  auto resolver = make_resolver(settings);
  EXPECT_TRUE(resolver) << resolver.error().detail;
  return std::move(*resolver);
}

ResolverSettings forward_to(const Endpoint& endpoint) {
  ResolverSettings settings;
  settings.mode = ResolverSettings::Mode::servers;
  settings.servers = {endpoint};
  settings.timeout = 5s;
  return settings;
}

// With a name server.

class ResolverTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto peers = find_peers();
    if (peers.empty()) return;
    signed_ = std::make_unique<NameServer>(peers, true);
    unsigned_ = std::make_unique<NameServer>(peers, false);
  }
  static void TearDownTestSuite() {
    signed_.reset();
    unsigned_.reset();
  }
  void SetUp() override {
    if (!signed_) GTEST_SKIP() << "no knotd: run tests/support/fetch_peers.sh";
  }
  /// A resolver that validates, or finds out that it can't, and knows it.
  std::unique_ptr<Resolver> validating(const NameServer& server) {
    auto settings = forward_to(server.endpoint());
    settings.trust_anchor = signed_->trust_anchor();
    std::promise<std::pair<bool, std::string>> known;
    settings.on_validation = [&known](bool validates, const std::string& reason) {
      known.set_value({validates, reason});
    };
    auto resolver = resolver_of(settings);
    validation_ = known.get_future().get();
    return resolver;
  }
  Result<DnsAnswer> run(Resolver& resolver, std::string name, RecordType type) {
    return test::run_task(loop_, ask(resolver, loop_, std::move(name), type));
  }

  static inline std::unique_ptr<NameServer> signed_;
  static inline std::unique_ptr<NameServer> unsigned_;
  Loop loop_;
  std::pair<bool, std::string> validation_;
};

TEST_F(ResolverTest, finds_records_of_every_type) {
  const auto resolver = resolver_of(forward_to(signed_->endpoint()));
  const auto mx = run(*resolver, "Example.com", RecordType::mx);
  ASSERT_TRUE(mx) << mx.error().detail;
  ASSERT_EQ(mx->records.size(), 2U);
  std::vector<std::string> hosts;
  for (const auto& record : mx->records) hosts.push_back(decode_mx(record).value().host);
  std::ranges::sort(hosts);
  EXPECT_EQ(hosts, (std::vector<std::string>{"mx.example.com", "mx2.example.com"}));
  EXPECT_EQ(mx->security, DnsSecurity::insecure) << "no trust anchor";
  EXPECT_FALSE(resolver->validates());

  const auto txt = run(*resolver, "example.com", RecordType::txt);
  EXPECT_EQ(decode_txt(txt->records.at(0)), "v=spf1 -all");
  const auto aaaa = run(*resolver, "mx.example.com", RecordType::aaaa);
  EXPECT_EQ(decode_address(aaaa->records.at(0))->to_string(), "2001:db8::1");
  const auto odd = run(*resolver, "o\xE2\x98\x83.example.com", RecordType::a);
  EXPECT_EQ(decode_address(odd->records.at(0))->to_string(), "192.0.2.3");
}

TEST_F(ResolverTest, follows_aliases) {
  const auto resolver = resolver_of(forward_to(signed_->endpoint()));
  const auto answer = run(*resolver, "www.example.com", RecordType::a);
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->canonical_name, "web.example.com");
  EXPECT_EQ(answer->records.size(), 1U);
  EXPECT_LE(answer->ttl, 100s);
}

TEST_F(ResolverTest, tells_no_name_from_no_records) {
  const auto resolver = resolver_of(forward_to(signed_->endpoint()));
  const auto no_name = run(*resolver, "none.example.com", RecordType::a);
  ASSERT_TRUE(no_name) << no_name.error().detail;
  EXPECT_FALSE(no_name->exists);
  const auto no_records = run(*resolver, "example.com", RecordType::a);
  ASSERT_TRUE(no_records) << no_records.error().detail;
  EXPECT_TRUE(no_records->exists);
  EXPECT_TRUE(no_records->records.empty());
  EXPECT_GT(no_records->ttl, 0s);
  EXPECT_LE(no_records->ttl, 60s);
}

TEST_F(ResolverTest, asks_the_servers_for_names_that_libunbound_would_answer_itself) {
  const auto resolver = resolver_of(forward_to(signed_->endpoint()));
  const auto localhost = run(*resolver, "localhost", RecordType::a);
  EXPECT_EQ(decode_address(localhost->records.at(0))->to_string(), "127.0.0.5");
  const auto test = run(*resolver, "host.test", RecordType::a);
  EXPECT_EQ(decode_address(test->records.at(0))->to_string(), "127.0.0.6");
  const auto pointer = run(*resolver, "1.0.0.10.in-addr.arpa", RecordType::ptr);
  EXPECT_EQ(decode_name(pointer->records.at(0)), "mx.example.com");
}

TEST_F(ResolverTest, validates_with_a_trust_anchor) {
  const auto resolver = validating(*signed_);
  EXPECT_TRUE(validation_.first) << validation_.second;
  EXPECT_TRUE(resolver->validates());
  const auto secure = run(*resolver, "example.com", RecordType::mx);
  ASSERT_TRUE(secure) << secure.error().detail;
  EXPECT_EQ(secure->security, DnsSecurity::secure);
  const auto denied = run(*resolver, "none.example.com", RecordType::tlsa);
  ASSERT_TRUE(denied) << denied.error().detail;
  EXPECT_EQ(denied->security, DnsSecurity::secure);
  const auto insecure = run(*resolver, "unsigned", RecordType::a);
  ASSERT_TRUE(insecure) << insecure.error().detail;
  EXPECT_EQ(insecure->security, DnsSecurity::insecure);
  EXPECT_EQ(insecure->records.size(), 1U);
  const auto bogus = run(*resolver, "broken", RecordType::a);
  ASSERT_FALSE(bogus);
  EXPECT_EQ(bogus.error().fault, Fault::dns_bogus);
}

TEST_F(ResolverTest, runs_unvalidated_where_signatures_are_missing) {
  const auto resolver = validating(*unsigned_);
  EXPECT_FALSE(validation_.first);
  EXPECT_NE(validation_.second, "");
  EXPECT_FALSE(resolver->validates());
  const auto answer = run(*resolver, "example.com", RecordType::mx);
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->security, DnsSecurity::insecure);
  EXPECT_TRUE(run(*resolver, "broken", RecordType::a));
}

TEST_F(ResolverTest, validates_again_once_the_servers_pass_on_signatures) {
  NameServer server(find_peers(), true);
  auto settings = forward_to(server.endpoint());
  settings.trust_anchor = server.trust_anchor();
  settings.validate_again = 50ms;
  server.restart(false);
  std::promise<bool> first;
  std::promise<bool> second;
  settings.on_validation = [&, calls = 0](bool validates, const std::string&) mutable {
    (calls++ == 0 ? first : second).set_value(validates);
  };
  const auto resolver = resolver_of(settings);
  EXPECT_FALSE(first.get_future().get());
  EXPECT_TRUE(run(*resolver, "example.com", RecordType::mx));
  server.restart(true);
  EXPECT_TRUE(second.get_future().get());
  EXPECT_TRUE(resolver->validates());
  const auto answer = run(*resolver, "example.com", RecordType::mx);
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->security, DnsSecurity::secure);
}

TEST_F(ResolverTest, questions_asked_before_the_probe_is_through_are_answered_after_it) {
  for (const auto* server : {signed_.get(), unsigned_.get()}) {
    auto settings = forward_to(server->endpoint());
    settings.trust_anchor = signed_->trust_anchor();
    const auto resolver = resolver_of(settings);
    const auto answer = run(*resolver, "example.com", RecordType::mx);
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->security == DnsSecurity::secure, server == signed_.get());
  }
}

TEST_F(ResolverTest, answers_many_at_once_and_again_from_its_cache) {
  const auto resolver = resolver_of(forward_to(signed_->endpoint()));
  constexpr std::size_t kMany = 200;
  for (int round = 0; round < 2; ++round) {
    std::vector<Result<DnsAnswer>> answers;
    TaskScope scope;
    for (std::size_t i = 0; i < kMany; ++i) {
      scope.spawn(ask_and_note(*resolver, loop_, i % 2 == 0 ? "example.com" : "mx.example.com",
                               i % 2 == 0 ? RecordType::mx : RecordType::a, answers, kMany));
    }
    loop_.run();
    for (const auto& answer : answers) EXPECT_TRUE(answer && !answer->records.empty());
  }
}

// Without one.

TEST(ResolverWithoutServerTest, a_silent_server_is_temporary_after_the_timeout) {
  Loop loop;  // Outlives the resolver.
  const Port silent;
  auto settings = forward_to(silent.endpoint);
  settings.timeout = 50ms;
  const auto resolver = resolver_of(settings);
  const auto answer = test::run_task(loop, ask(*resolver, loop, "example.com", RecordType::a));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().fault, Fault::dns_temporary);
}

TEST(ResolverWithoutServerTest, a_silent_server_does_not_hold_questions_behind_the_probe) {
  Loop loop;  // Outlives the resolver.
  const Port silent;
  const test::ScratchFolder folder;
  auto settings = forward_to(silent.endpoint);
  settings.timeout = 50ms;
  settings.trust_anchor = folder.write(
      "anchor",
      ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n");
  const auto resolver = resolver_of(settings);
  for (int i = 0; i < 2; ++i) {
    const auto answer = test::run_task(loop, ask(*resolver, loop, "example.com", RecordType::a));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().fault, Fault::dns_temporary);
  }
  EXPECT_FALSE(resolver->validates());
}

TEST(ResolverWithoutServerTest, drops_the_answer_of_a_waiter_that_was_destroyed) {
  Loop loop;  // Outlives the resolver.
  const Port silent;
  auto settings = forward_to(silent.endpoint);
  settings.timeout = 20ms;
  const auto resolver = resolver_of(settings);
  std::vector<Result<DnsAnswer>> dropped;
  std::vector<Result<DnsAnswer>> kept;
  TaskScope scope;
  {
    TaskScope cancelled;
    cancelled.spawn(ask_and_note(*resolver, loop, "a.example", RecordType::a, dropped, 1));
  }
  scope.spawn(ask_and_note(*resolver, loop, "b.example", RecordType::a, kept, 1));
  loop.run();
  EXPECT_TRUE(dropped.empty());
  EXPECT_EQ(kept.size(), 1U);
}

TEST(ResolverWithoutServerTest, may_end_with_questions_open) {
  Loop loop;  // Outlives the resolver.
  const Port silent;
  auto resolver = resolver_of(forward_to(silent.endpoint));
  std::vector<Result<DnsAnswer>> answers;
  TaskScope scope;
  scope.spawn(ask_and_note(*resolver, loop, "a.example", RecordType::a, answers, 1));
  resolver.reset();
  EXPECT_TRUE(answers.empty());
}

TEST(ResolverWithoutServerTest, refuses_what_is_no_name) {
  Loop loop;  // Outlives the resolver.
  const Port silent;
  const auto resolver = resolver_of(forward_to(silent.endpoint));
  const std::string label(63, 'a');
  const std::vector<std::string> names{
      ".", "a..b", ".a", "a.", label + "a", label + "." + label + "." + label + "." + label};
  for (const auto& name : names) {
    const auto answer = test::run_task(loop, ask(*resolver, loop, name, RecordType::a));
    ASSERT_FALSE(answer) << name;
    EXPECT_EQ(answer.error().fault, Fault::bad_parameter) << name;
  }
}

TEST(ResolverWithoutServerTest, refuses_settings_that_cannot_work) {
  const test::ScratchFolder folder;
  const Port silent;
  auto no_anchor = forward_to(silent.endpoint);
  no_anchor.trust_anchor = folder.path() / "missing";
  auto empty_anchor = no_anchor;
  empty_anchor.trust_anchor = folder.write("empty", "; nothing\n");
  auto wrong_anchor = no_anchor;
  wrong_anchor.trust_anchor = folder.write("wrong", ". IN DS what is this\n");
  auto no_servers = forward_to(silent.endpoint);
  no_servers.servers.clear();
  ResolverSettings no_hints;
  no_hints.mode = ResolverSettings::Mode::recursive;
  no_hints.root_hints = folder.path() / "missing";
  const std::vector<ResolverSettings> cases{no_servers, no_anchor, empty_anchor, wrong_anchor,
                                            no_hints};
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto refused = make_resolver(cases[i]);
    ASSERT_FALSE(refused) << i;
    EXPECT_EQ(refused.error().fault, Fault::configuration) << i;
    EXPECT_NE(refused.error().detail, "") << i;
  }
}

}  // namespace
}  // namespace signet::net
