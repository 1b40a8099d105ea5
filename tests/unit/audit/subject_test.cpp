#include "monitoring/audit/subject.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "keys/create_key.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/unit/audit/sample_facts.hpp"

namespace signet::audit {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

config::Settings settings() {
  config::Settings made;
  made.pools = {{"default", {{address("10.0.0.1"), address("192.0.2.1"), "mx1.example.com", 1}}},
                {"bulk", {{address("10.0.0.2"), address("192.0.2.2"), "mx2.example.com", 1}}},
                {"idle", {{address("10.0.0.3"), address("192.0.2.3"), "mx3.example.com", 1}}}};
  config::RouteSettings by_mx;
  by_mx.is_default = true;
  made.routes = {by_mx};
  config::ClientSettings apps, news;
  apps.domains = {domain("example.com")};
  news.domains = {domain("news.example.com"), domain("example.com")};
  news.pool = "bulk";
  made.clients = {apps, news};
  return made;
}

TEST(Subject, has_the_pools_of_all_clients_that_may_send_as_it) {
  bool is_carried = false;
  const auto both = ways_of(settings(), domain("example.com"), is_carried);
  EXPECT_TRUE(is_carried);
  ASSERT_THAT(both.points, SizeIs(2));
  EXPECT_EQ(both.points[0].address, address("192.0.2.1"));
  EXPECT_EQ(both.points[1].address, address("192.0.2.2"));
  EXPECT_THAT(ways_of(settings(), domain("news.example.com"), is_carried).points, SizeIs(1));
  EXPECT_THAT(ways_of(settings(), domain("other.example"), is_carried).points, SizeIs(0));
  EXPECT_FALSE(is_carried);
}

TEST(Subject, a_client_of_all_domains_carries_each) {
  auto made = settings();
  made.clients = {{}};
  made.clients[0].all_domains = true;
  bool is_carried = false;
  EXPECT_THAT(ways_of(made, domain("other.example"), is_carried).points, SizeIs(1));
  EXPECT_TRUE(is_carried);
}

TEST(Subject, named_domains_are_those_of_clients_parents_and_platform) {
  auto made = settings();
  made.signing.parents.emplace(domain("a.example.org"), domain("example.org"));
  made.signing.platform_domain = domain("platform.example");
  EXPECT_THAT(named_domains(made),
              ElementsAre(domain("a.example.org"), domain("example.com"), domain("example.org"),
                          domain("news.example.com"), domain("platform.example")));
}

TEST(Subject, reads_keys_of_the_domain_or_of_its_parent) {
  auto made = settings();
  const test::ScratchFolder store;
  made.store = store.path();
  const auto key = keys::create_key({.directory = made.store, .allow_group = true},
                                    domain("example.com"), "s1", keys::Algorithm::rsa,
                                    {.at = SystemClock().now(), .reason = "new", .by = "test"});
  ASSERT_TRUE(key);
  const auto own = read_subject(made, domain("example.com"));
  ASSERT_THAT(own.keys, SizeIs(1));
  EXPECT_EQ(own.keys[0].record, key->key.dns_record());
  EXPECT_EQ(own.keys[0].state, keys::KeyState::active);

  EXPECT_FALSE(read_subject(made, domain("news.example.com")).is_in_store);
  made.signing.parents.emplace(domain("news.example.com"), domain("example.com"));
  const auto child = read_subject(made, domain("news.example.com"));
  EXPECT_TRUE(child.is_in_store);
  EXPECT_EQ(child.signing_domain, domain("example.com"));
  EXPECT_THAT(child.keys, SizeIs(1));

  std::ofstream(made.store / "example.com" / "s1.pem") << "not PEM";
  const auto broken = read_subject(made, domain("example.com"));
  EXPECT_TRUE(broken.is_in_store);
  EXPECT_FALSE(broken.store_error.empty());
}

}  // namespace
}  // namespace signet::audit
