#include "keys/record_proof.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <memory>
#include <thread>

#include "relay/net/descriptor.hpp"

namespace signet::keys {
namespace {

/// A question's packet to the answer's.
using Answer = std::function<std::string(std::string)>;

/// A name server on loopback.
class NameServer {
 public:
  explicit NameServer(Answer answer) : answer_(std::move(answer)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    EXPECT_EQ(bind(socket_.get(), generic(), size), 0);
    EXPECT_EQ(getsockname(socket_.get(), generic(), &size), 0);
    thread_ = std::thread([this] { serve(); });
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;
  ~NameServer() {
    sendto(socket_.get(), nullptr, 0, 0, generic(), sizeof address_);
    thread_.join();
  }
  [[nodiscard]] Endpoint endpoint() const {
    return {*IpAddress::parse("127.0.0.1"), ntohs(address_.sin_port)};
  }

 private:
  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address_); }

  void serve() {
    for (;;) {
      std::array<char, 1500> buffer{};
      sockaddr_in peer{};
      socklen_t size = sizeof peer;
      const auto from = reinterpret_cast<sockaddr*>(&peer);
      const auto got = recvfrom(socket_.get(), buffer.data(), buffer.size(), 0, from, &size);
      if (got <= 0) return;
      const auto reply = answer_({buffer.data(), static_cast<std::size_t>(got)});
      sendto(socket_.get(), reply.data(), reply.size(), 0, from, size);
    }
  }

  const Answer answer_;
  const net::Descriptor socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address_{};
  std::thread thread_;
};

/// Header and question as they came, without EDNS (RFC 1035 4.1).
std::string servfail(std::string message) {
  std::size_t end = 12;
  while (message[end] != 0) end += static_cast<std::size_t>(message[end]) + 1;
  message.resize(end + 5);
  message.replace(2, 2, {static_cast<char>(0x80), LDNS_RCODE_SERVFAIL});
  return message.replace(6, 6, 6, '\0');
}

/// What a server of some zones says, given as records ("a.example. 60 IN SOA ..."). Asked
/// recursively it answers as a cache does, from which every record goes in 5 s (RFC
/// 1034 4.1.3); else only for the zone of the name, as where an alias leads to another's.
class Zones {
 public:
  explicit Zones(const std::vector<std::string>& records) {
    for (const auto& record : records) {
      ldns_rr* made = nullptr;
      EXPECT_EQ(ldns_rr_new_frm_str(&made, record.c_str(), 0, nullptr, nullptr), LDNS_STATUS_OK);
      records_.push_back(std::shared_ptr<ldns_rr>(made, &ldns_rr_free));
    }
  }

  std::string operator()(const std::string& message) const {
    ldns_pkt* packet = nullptr;
    const auto* octets = reinterpret_cast<const std::uint8_t*>(message.data());
    EXPECT_EQ(ldns_wire2pkt(&packet, octets, message.size()), LDNS_STATUS_OK);
    const Ldns<ldns_pkt> kept(packet);
    ldns_pkt_set_qr(packet, true);
    ldns_pkt_set_aa(packet, !ldns_pkt_rd(packet));
    const auto* question = ldns_rr_list_rr(ldns_pkt_question(packet), 0);
    add(packet, ldns_rr_owner(question), ldns_rr_get_type(question));
    std::uint8_t* wire = nullptr;
    std::size_t size = 0;
    EXPECT_EQ(ldns_pkt2wire(&wire, packet, &size), LDNS_STATUS_OK);
    const Ldns<std::uint8_t> owned(wire);
    return {reinterpret_cast<const char*>(wire), size};
  }

 private:
  void add(ldns_pkt* packet, const ldns_rdf* name, ldns_rr_type type) const {
    for (const auto& record : records_) {
      const auto kind = ldns_rr_get_type(record.get());
      if (ldns_dname_compare(ldns_rr_owner(record.get()), name) != 0) continue;
      if (kind != type && kind != LDNS_RR_TYPE_CNAME) continue;
      ldns_rr* copy = ldns_rr_clone(record.get());
      if (ldns_pkt_rd(packet)) ldns_rr_set_ttl(copy, 5);
      ldns_pkt_push_rr(packet, LDNS_SECTION_ANSWER, copy);
      if (kind != type && ldns_pkt_rd(packet)) add(packet, ldns_rr_rdf(record.get(), 0), type);
    }
  }

  std::vector<std::shared_ptr<ldns_rr>> records_;
};

constexpr const char* kOurs = "v=DKIM1; k=rsa; p=QUJD";

DnsProof::Options options(const NameServer& server) {
  return {.resolvers = {server.endpoint()},
          .port = server.endpoint().port,
          .timeout = std::chrono::seconds(5),
          .queries_per_second = 1000};
}

TEST(RecordProofTest, only_exactly_our_key_is_ours) {
  struct Case {
    std::string_view found;
    RecordSeen seen;
  };
  for (const auto& [found, seen] : std::vector<Case>{
           {"v=DKIM1; k=rsa; p=QUJD", RecordSeen::ours},
           {"k=rsa;p=QU JD", RecordSeen::ours},
           {"v=DKIM1; k=rsa; p=QUJD; p=QUJE", RecordSeen::other},
           {"v=DKIM1; k=rsa; p=QUJD; p=", RecordSeen::other},
           {"v=DKIM1; p=QUJD; h=sha256; h=sha1", RecordSeen::other},
           {"v=DKIM1; garbage; k=rsa; p=QUJD", RecordSeen::other},
           {"v=DKIM1; k=rsa; p=QUJD; n", RecordSeen::other},
           {"k=rsa; p=QUJD; v=DKIM1", RecordSeen::other},
           {"v=DKIM1; k=rsa; p=QUJD!", RecordSeen::other},
           {"p=QUJD; t=s; n=a note", RecordSeen::ours},
           {"v=DKIM1; h=sha1:sha256; s=tlsrpt:email; p=QUJD;", RecordSeen::ours},
           {"v=DKIM1; p=", RecordSeen::revoked},
           {"v=DKIM1; p=QUJE", RecordSeen::other},
           {"v=DKIM1; k=ed25519; p=QUJD", RecordSeen::other},
           {"v=DKIM1; h=sha1; p=QUJD", RecordSeen::other},
           {"v=DKIM1; s=tlsrpt; p=QUJD", RecordSeen::other},
           {"v=DKIM1; t=y; p=QUJD", RecordSeen::other},
           {"v=DKIM2; p=QUJD", RecordSeen::other},
           {"v=spf1 -all", RecordSeen::other},
           {"", RecordSeen::other},
       }) {
    EXPECT_EQ(compare_record(found, kOurs).seen, seen) << found;
  }
  EXPECT_EQ(compare_record("p=QUJD; p=", kOurs).detail, "no valid DKIM key record: tag p twice");
}

TEST(RecordProofTest, a_resolver_that_can_not_tell_says_nothing_of_a_record) {
  const std::string soa = "a.example. 60 IN SOA ns.a.example. h.a.example. 1 60 60 60 60";
  const std::string record = "s1._domainkey.a.example. 60 IN TXT ";
  const NameServer good(Zones({soa, record + "\"v=DKIM1; k=rsa; p=QUJD\""}));
  const NameServer other(Zones({soa, record + "\"v=DKIM1; k=rsa; p=QUJE\""}));
  const NameServer failing(&servfail);
  const auto look = [&](std::vector<Endpoint> resolvers) {
    return DnsProof({.resolvers = std::move(resolvers),
                     .authoritative = false,
                     .timeout = std::chrono::seconds(5),
                     .queries_per_second = 1000})
        .look("s1._domainkey.a.example", kOurs)
        .seen;
  };
  EXPECT_EQ(look({good.endpoint(), good.endpoint()}), RecordSeen::ours);
  EXPECT_EQ(look({good.endpoint(), failing.endpoint()}), RecordSeen::unknown);
  EXPECT_EQ(look({failing.endpoint(), good.endpoint()}), RecordSeen::unknown);
  EXPECT_EQ(look({good.endpoint(), other.endpoint()}), RecordSeen::other);
}

TEST(RecordProofTest, an_alias_of_a_selector_in_upper_case_is_followed) {
  const NameServer server(Zones({
      "a.example. 60 IN SOA ns.a.example. h.a.example. 1 60 60 60 60",
      "a.example. 60 IN NS ns.a.example.",
      "ns.a.example. 60 IN A 127.0.0.1",
      "Sel1._domainkey.a.example. 60 IN CNAME Key.b.example.",
      "b.example. 60 IN SOA ns.b.example. h.b.example. 1 60 60 60 60",
      "b.example. 60 IN NS ns.b.example.",
      "ns.b.example. 60 IN A 127.0.0.1",
      "key.b.example. 60 IN TXT \"v=DKIM1; k=rsa; p=QUJD\"",
  }));
  const auto seen = DnsProof(options(server)).look("Sel1._domainkey.a.example", kOurs);
  EXPECT_EQ(seen.seen, RecordSeen::ours) << seen.detail;
}

TEST(RecordProofTest, the_negative_ttl_is_not_what_a_cache_has_left_of_it) {
  const NameServer server(Zones({
      "a.example. 40 IN SOA ns.a.example. h.a.example. 1 60 60 60 60",
      "a.example. 60 IN NS ns.a.example.",
      "ns.a.example. 60 IN A 127.0.0.1",
      "s1._domainkey.a.example. 60 IN TXT \"v=DKIM1; k=rsa; p=QUJD\"",
  }));
  auto asked = options(server);
  const auto proven = DnsProof(asked).look("s1._domainkey.a.example", kOurs);
  EXPECT_EQ(proven.seen, RecordSeen::ours) << proven.detail;
  EXPECT_EQ(proven.negative_ttl, std::chrono::seconds(40)) << "the lesser of the zone's own two";
  asked.authoritative = false;
  const auto told = DnsProof(asked).look("s1._domainkey.a.example", kOurs);
  EXPECT_EQ(told.seen, RecordSeen::ours) << told.detail;
  EXPECT_EQ(told.negative_ttl, std::chrono::seconds(60)) << "no cache counts the minimum down";
}

TEST(RecordProofTest, of_the_zones_that_aliases_lead_through_the_longest_negative_ttl_counts) {
  for (const auto& [customers, between, providers] :
       {std::array{50, 20, 10}, {10, 50, 20}, {20, 10, 50}}) {
    std::vector<std::string> records;
    for (const auto& [zone, minimum] :
         {std::pair("a.example.", customers), {"b.example.", between}, {"c.example.", providers}}) {
      const std::string at(zone);
      records.push_back(at + " 60 IN SOA ns." + at + " h." + at + " 1 60 60 60 " +
                        std::to_string(minimum));
      records.push_back(at + " 60 IN NS ns." + at);
      records.push_back("ns." + at + " 60 IN A 127.0.0.1");
    }
    records.emplace_back("s1._domainkey.a.example. 60 IN CNAME s1.b.example.");
    records.emplace_back("s1.b.example. 60 IN CNAME s1.c.example.");
    records.emplace_back("s1.c.example. 60 IN TXT \"v=DKIM1; k=rsa; p=QUJD\"");
    const NameServer server{Zones(records)};
    auto asked = options(server);
    for (const bool authoritative : {true, false}) {
      asked.authoritative = authoritative;
      const auto seen = DnsProof(asked).look("s1._domainkey.a.example", kOurs);
      EXPECT_EQ(seen.seen, RecordSeen::ours) << seen.detail;
      EXPECT_EQ(seen.negative_ttl, std::chrono::seconds(50)) << authoritative << customers;
    }
  }
}

TEST(RecordProofTest, the_ttl_of_another_record_is_told_and_that_of_ours_is_not) {
  const auto seen_of = [](const std::string& text, bool authoritative) {
    const NameServer server(Zones({
        "a.example. 60 IN SOA ns.a.example. h.a.example. 1 60 60 60 60",
        "a.example. 60 IN NS ns.a.example.",
        "ns.a.example. 60 IN A 127.0.0.1",
        "s1._domainkey.a.example. 500 IN CNAME s1.b.example.",
        "b.example. 60 IN SOA ns.b.example. h.b.example. 1 60 60 60 60",
        "b.example. 60 IN NS ns.b.example.",
        "ns.b.example. 60 IN A 127.0.0.1",
        "s1.b.example. 300 IN TXT \"" + text + "\"",
    }));
    auto asked = options(server);
    asked.authoritative = authoritative;
    return DnsProof(asked).look("s1._domainkey.a.example", kOurs);
  };
  for (const std::string text : {"v=DKIM1; p=QUJE", "v=DKIM1; p="}) {
    EXPECT_EQ(seen_of(text, true).foreign_ttl, std::chrono::seconds(500)) << text;
    EXPECT_EQ(seen_of(text, false).foreign_ttl, std::chrono::seconds(5)) << text;
  }
  EXPECT_EQ(seen_of(kOurs, true).foreign_ttl, std::chrono::seconds(0));
  EXPECT_EQ(seen_of(kOurs, false).foreign_ttl, std::chrono::seconds(0));
}

}  // namespace
}  // namespace signet::keys
