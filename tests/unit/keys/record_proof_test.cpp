#include "keys/record_proof.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <thread>

#include "relay/net/descriptor.hpp"

namespace signet::keys {
namespace {

/// A name server on loopback that answers every question alike: with a TXT record of that text, or
/// with an error.
class NameServer {
 public:
  explicit NameServer(std::string text, char rcode = LDNS_RCODE_NOERROR)
      : text_(std::move(text)), rcode_(rcode) {
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
      const auto reply = answer({buffer.data(), static_cast<std::size_t>(got)});
      sendto(socket_.get(), reply.data(), reply.size(), 0, from, size);
    }
  }

  // Header and question as they came, without EDNS (RFC 1035 4.1).
  [[nodiscard]] std::string answer(std::string message) const {
    std::size_t end = 12;
    while (message[end] != 0) end += static_cast<std::size_t>(message[end]) + 1;
    message.resize(end + 5);
    const bool has_answer = rcode_ == LDNS_RCODE_NOERROR;
    message.replace(2, 2, {static_cast<char>(0x80), rcode_});
    message.replace(6, 6, {0, has_answer ? '\1' : '\0', 0, 0, 0, 0});
    if (!has_answer) return message;
    const auto length = static_cast<char>(text_.size());
    message += {'\xc0', 12, 0, LDNS_RR_TYPE_TXT, 0, 1, 0, 0, 0, 1, 0, char(length + 1), length};
    return message + text_;
  }

  const std::string text_;
  const char rcode_;
  const net::Descriptor socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address_{};
  std::thread thread_;
};

TEST(RecordProofTest, only_exactly_our_key_is_ours) {
  constexpr std::string_view kOurs = "v=DKIM1; k=rsa; p=QUJD";
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
  const std::string ours = "v=DKIM1; k=rsa; p=QUJD";
  const NameServer good(ours), other("v=DKIM1; k=rsa; p=QUJE"), failing("", LDNS_RCODE_SERVFAIL);
  const auto look = [&](std::vector<Endpoint> resolvers) {
    return DnsProof({.resolvers = std::move(resolvers),
                     .authoritative = false,
                     .timeout = std::chrono::seconds(5),
                     .queries_per_second = 1000})
        .look("s1._domainkey.a.example", ours)
        .seen;
  };
  EXPECT_EQ(look({good.endpoint(), good.endpoint()}), RecordSeen::ours);
  EXPECT_EQ(look({good.endpoint(), failing.endpoint()}), RecordSeen::unknown);
  EXPECT_EQ(look({failing.endpoint(), good.endpoint()}), RecordSeen::unknown);
  EXPECT_EQ(look({good.endpoint(), other.endpoint()}), RecordSeen::other);
}

}  // namespace
}  // namespace signet::keys
