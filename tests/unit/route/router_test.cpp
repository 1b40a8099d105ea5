#include "relay/route/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/support/run_task.hpp"
#include "tests/unit/route/fake_resolver.hpp"

namespace signet::route {
namespace {

using testing::ElementsAre;

// "mx1.example 2001:db8::1 192.0.2.1; mx2.example …", or the fault's name.
std::string describe(const Result<std::vector<Target>>& targets) {
  if (!targets) return std::string(row(targets.error().fault).name);
  std::string text;
  for (const Target& target : *targets) {
    text += (text.empty() ? "" : "; ") + target.host;
    for (const IpAddress& address : target.addresses) text += " " + address.to_string();
  }
  return text;
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() { settings_->hostname = "Relay.Example"; }

  Result<std::vector<Target>> find(FakeResolver& resolver,
                                   const std::string& domain = "d.example") {
    Router router(resolver, allow_private_);
    for (const Endpoint& own : own_) router.add_own_endpoint(own);
    return test::run_task(loop_,
                          router.find_targets(loop_, settings_, route_, *Domain::parse(domain)));
  }
  std::string targets(const std::string& zone) {
    FakeResolver resolver(zone);
    return describe(find(resolver));
  }

  net::Loop loop_;
  std::shared_ptr<config::Settings> settings_ = std::make_shared<config::Settings>();
  config::RouteSettings route_;
  std::vector<Endpoint> own_{*Endpoint::parse("8.8.4.4:25"), *Endpoint::parse("8.8.4.5:2525")};
  bool allow_private_ = false;
};

struct ZoneCase {
  std::string name;
  std::string zone;
  std::string expected;
};

TEST_F(RouterTest, finds_the_hosts_the_standard_asks_for) {
  const std::vector<ZoneCase> cases{
      {"by preference",
       "d.example MX 20 b.example\nd.example MX 10 a.example\n"
       "a.example A 8.8.8.1\nb.example A 8.8.8.2\n",
       "a.example 8.8.8.1; b.example 8.8.8.2"},
      {"families in turn, IPv6 first",
       "d.example MX 10 a.example\na.example A 8.8.8.1\na.example A 8.8.8.2\n"
       "a.example AAAA 2606:4700::1\n",
       "a.example 2606:4700::1 8.8.8.1 8.8.8.2"},
      {"no MX: the domain itself", "d.example A 8.8.8.1\n", "d.example 8.8.8.1"},
      {"no MX and no address", "d.example EMPTY\n", "address_forbidden"},
      {"no domain", "", "dns_no_domain"},
      {"MX lookup fails: never the address", "d.example FAIL MX\nd.example A 8.8.8.1\n",
       "dns_temporary"},
      {"bogus MX", "d.example BOGUS MX\nd.example A 8.8.8.1\n", "dns_bogus"},
      {"MX without address: never the domain's", "d.example MX 1 a.example\nd.example A 8.8.8.1\n",
       "address_forbidden"},
      {"null MX", "d.example MX 0 .\nd.example A 8.8.8.1\n", "null_mx"},
      {"null MX beside others is ignored",
       "d.example MX 0 .\nd.example MX 5 a.example\na.example A 8.8.8.1\n", "a.example 8.8.8.1"},
      {"all hosts fail for now",
       "d.example MX 1 a.example\na.example FAIL A\na.example FAIL AAAA\n", "dns_temporary"},
      {"one host fails for now",
       "d.example MX 1 a.example\na.example FAIL A\nd.example MX 2 b.example\n"
       "b.example A 8.8.8.2\n",
       "b.example 8.8.8.2"},
      {"one family fails for now",
       "d.example MX 1 a.example\na.example FAIL AAAA\na.example A 8.8.8.1\n", "a.example 8.8.8.1"},
      {"our name among them",
       "d.example MX 10 a.example\nd.example MX 20 relay.example\nd.example MX 20 c.example\n"
       "d.example MX 30 b.example\na.example A 8.8.8.1\nb.example A 8.8.8.2\nc.example A 8.8.8.3\n",
       "a.example 8.8.8.1"},
      {"our name is best",
       "d.example MX 10 relay.example\nd.example MX 20 a.example\n"
       "a.example A 8.8.8.1\n",
       "routing_loop"},
      {"our address among them",
       "d.example MX 10 a.example\nd.example MX 20 b.example\nd.example MX 30 c.example\n"
       "a.example A 8.8.8.1\nb.example A 8.8.4.4\nc.example A 8.8.8.3\n",
       "a.example 8.8.8.1"},
      {"our address beside an equal",
       "d.example MX 10 a.example\nd.example MX 10 b.example\n"
       "a.example A 8.8.8.1\nb.example A 8.8.4.4\n",
       "routing_loop"},
      {"our address on another port", "d.example MX 10 a.example\na.example A 8.8.4.5\n",
       "a.example 8.8.4.5"},
      {"special addresses",
       "d.example MX 1 a.example\na.example A 127.0.0.1\na.example A 10.0.0.1\n"
       "a.example A 169.254.169.254\na.example AAAA ::1\na.example AAAA fe80::1\n"
       "a.example A 0.0.0.0\na.example A 224.0.0.1\n",
       "address_forbidden"},
      {"a special address among others",
       "d.example MX 1 a.example\na.example A 10.0.0.1\na.example A 8.8.8.1\n",
       "a.example 8.8.8.1"},
  };
  for (const auto& [name, zone, expected] : cases) EXPECT_EQ(targets(zone), expected) << name;
}

TEST_F(RouterTest, private_addresses_are_fine_when_allowed) {
  const std::string zone = "d.example A 127.0.0.1\n";
  allow_private_ = true;
  EXPECT_EQ(targets(zone), "d.example 127.0.0.1");
  allow_private_ = false;
  settings_->allow_private_mx = true;
  EXPECT_EQ(targets(zone), "d.example 127.0.0.1");
}

TEST_F(RouterTest, our_public_egress_address_on_a_listener_port_is_us) {
  settings_->pools.push_back(
      {"p", {{*IpAddress::parse("10.0.0.9"), *IpAddress::parse("8.8.8.9"), "h", 1}}});
  EXPECT_EQ(targets("d.example A 8.8.8.9\n"), "routing_loop");
}

TEST_F(RouterTest, a_wildcard_listener_owns_every_interface) {
  allow_private_ = true;
  own_ = {*Endpoint::parse("0.0.0.0:25")};
  EXPECT_EQ(targets("d.example A 127.0.0.1\n"), "routing_loop");
}

TEST_F(RouterTest, equal_preferences_come_in_random_order) {
  FakeResolver resolver(
      "d.example MX 1 a.example\nd.example MX 1 b.example\n"
      "a.example A 8.8.8.1\nb.example A 8.8.8.2\n");
  std::set<std::string> seen;
  for (int i = 0; i < 200 && seen.size() < 2; ++i) seen.insert(describe(find(resolver)));
  EXPECT_EQ(seen.size(), 2U);
}

TEST_F(RouterTest, looks_at_a_bounded_number_of_hosts_and_addresses) {
  std::string zone;
  for (int i = 10; i < 60; ++i) {
    const std::string host = "h" + std::to_string(i) + ".example";
    zone += "d.example MX " + std::to_string(i) + " " + host + "\n";
  }
  FakeResolver without_addresses(zone);
  EXPECT_EQ(describe(find(without_addresses)), "address_forbidden");
  EXPECT_EQ(without_addresses.asked().size(), 1U + 10 * 2);

  for (int i = 10; i < 60; ++i) {
    for (int j = 1; j < 12; ++j) {
      zone += "h" + std::to_string(i) + ".example A 8.8.8." + std::to_string(j) + "\n";
    }
  }
  FakeResolver with_addresses(zone);
  const auto found = find(with_addresses);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(found->at(0).addresses.size(), 8U);
  EXPECT_EQ(found->at(1).addresses.size(), 8U);
}

TEST_F(RouterTest, security_needs_every_answer) {
  const std::string zone = "d.example MX 1 a.example\na.example A 8.8.8.1\n";
  FakeResolver secure(zone, true);
  FakeResolver insecure(zone, false);
  FakeResolver partly(zone + "a.example FAIL AAAA\n", true);
  EXPECT_TRUE(find(secure)->front().security);
  EXPECT_FALSE(find(insecure)->front().security);
  EXPECT_FALSE(find(partly)->front().security);
}

TEST_F(RouterTest, a_configured_next_hop_is_a_name_or_an_address) {
  route_.kind = config::RouteKind::host;
  route_.port = 2526;
  route_.hosts = {"127.0.0.1", "hop.example", "[::1]", "localhost", "missing.example"};
  FakeResolver resolver("hop.example A 10.0.0.1\n");
  const auto found = find(resolver);
  EXPECT_EQ(describe(found),
            "127.0.0.1 127.0.0.1; hop.example 10.0.0.1; [::1] ::1; localhost 127.0.0.1");
  EXPECT_EQ(found->front().port, 2526);
  EXPECT_THAT(resolver.asked(),
              ElementsAre("hop.example", "hop.example", "missing.example", "missing.example"));
}

TEST_F(RouterTest, a_next_hop_without_address_is_temporary) {
  route_.kind = config::RouteKind::host;
  route_.hosts = {"missing.example"};
  EXPECT_EQ(targets(""), "dns_temporary");
}

}  // namespace
}  // namespace signet::route
