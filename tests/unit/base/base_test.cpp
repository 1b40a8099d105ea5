#include <gtest/gtest.h>

#include "relay/base/domain.hpp"
#include "relay/base/envelope.hpp"
#include "relay/base/ip_address.hpp"
#include "relay/base/queue_id.hpp"

namespace signet {
namespace {

struct DomainCase {
  std::string input;
  std::string expected;  ///< Empty: refused.
};

TEST(DomainTest, becomes_lower_case_a_labels_or_is_refused) {
  const std::vector<DomainCase> cases{
      {"Example.COM", "example.com"},
      {"b\xC3\xBC"
       "cher.example",
       "xn--bcher-kva.example"},
      {"xn--bcher-kva.example", "xn--bcher-kva.example"},
      {"localhost", "localhost"},
      {"", ""},
      {"example.com.", ""},
      {".example.com", ""},
      {"a..b", ""},
      {"-a.example", ""},
      {"a-.example", ""},
      {"a_b.example", ""},
      {"192.0.2.1", ""},
      {"exa mple.com", ""},
      {std::string("a\0b.example", 11), ""},
      {std::string(64, 'a') + ".example", ""},
      {std::string(63, 'a') + ".example", std::string(63, 'a') + ".example"},
      {"\xC0\xAF.example", ""},
      {"example\xEF\xBC\x8E"
       "com",
       "example.com"},  // Full-width dot: IDNA maps it, both sides alike.
  };
  for (const auto& [input, expected] : cases) {
    const auto domain = Domain::parse(input);
    EXPECT_EQ(domain ? domain->text() : "", expected) << input;
  }
}

TEST(DomainTest, is_within_compares_whole_labels) {
  const Domain parent = *Domain::parse("example.com");
  EXPECT_TRUE(Domain::parse("example.com")->is_within(parent));
  EXPECT_TRUE(Domain::parse("a.example.com")->is_within(parent));
  EXPECT_FALSE(Domain::parse("badexample.com")->is_within(parent));
  EXPECT_FALSE(Domain::parse("com")->is_within(parent));
}

TEST(IpAddressTest, mapped_ipv6_is_the_ipv4_address) {
  EXPECT_EQ(*IpAddress::parse("::ffff:10.1.2.3"), *IpAddress::parse("10.1.2.3"));
  EXPECT_TRUE(IpNetwork::parse("10.0.0.0/8")->contains(*IpAddress::parse("::ffff:10.1.2.3")));
}

TEST(IpAddressTest, knows_what_mail_must_not_reach) {
  for (const char* text : {"127.0.0.1", "10.1.1.1", "169.254.169.254", "0.0.0.0", "224.0.0.1",
                           "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1",
                           "192.168.0.1", "172.31.255.255", "100.64.0.1"}) {
    EXPECT_TRUE(IpAddress::parse(text)->is_special()) << text;
  }
  for (const char* text : {"8.8.8.8", "172.32.0.1", "2606:4700::1", "100.128.0.1"}) {
    EXPECT_FALSE(IpAddress::parse(text)->is_special()) << text;
  }
}

TEST(IpNetworkTest, refuses_host_bits_and_bad_prefixes) {
  for (const char* text :
       {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::1/64", "x"}) {
    EXPECT_FALSE(IpNetwork::parse(text)) << text;
  }
}

TEST(EndpointTest, reads_and_writes_both_families) {
  for (const char* text : {"192.0.2.1:25", "[2001:db8::1]:587"}) {
    const Endpoint endpoint = *Endpoint::parse(text);
    EXPECT_EQ(endpoint.to_string(), text);
    sockaddr_storage storage{};
    endpoint.to_sockaddr(storage);
    EXPECT_EQ(Endpoint::from_sockaddr(storage), endpoint);
  }
  for (const char* text : {"192.0.2.1", "2001:db8::1:25", "192.0.2.1:65536", "[::1]:", "host:25"}) {
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  }
}

TEST(QueueIdTest, is_unique_ordered_and_survives_text) {
  QueueIdSource source(QueueId{5'000'000});
  const WallTime earlier{std::chrono::milliseconds(1)};
  const QueueId first = source.next(earlier);
  const QueueId second = source.next(earlier);
  EXPECT_EQ(first.value, 5'000'001U);  // The clock went back; the ids do not.
  EXPECT_LT(first, second);
  EXPECT_LT(first.to_string(), second.to_string());
  EXPECT_EQ(*QueueId::parse(second.to_string()), second);
  EXPECT_FALSE(QueueId::parse("short"));
  EXPECT_FALSE(QueueId::parse("UUUUUUUUUUU"));
}

}  // namespace
}  // namespace signet
