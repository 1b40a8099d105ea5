// Proof that a selector's record is in the DNS: asks every name server of its zone directly, or
// resolvers, and says what all of them say.
//
// RFC 6376 3.6.1 (the record), RFC 2308 (how long "no such name" lives). Follows CNAMEs, so that a
// delegated selector is proven where it leads. Blocks: for the pool.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "keys/dns_exchange.hpp"
#include "keys/life_cycle.hpp"
#include "relay/base/ip_address.hpp"

namespace signet::keys {

struct Seen {
  RecordSeen seen = RecordSeen::unknown;
  std::chrono::seconds negative_ttl{0};  ///< How long caches may still say that it is absent.
  std::string detail = {};
  /// The longest of the TXT records and CNAMEs that say something other than ours; in a cache it
  /// counts down.
  std::chrono::seconds foreign_ttl{0};
};

/// What one TXT record says beside `expected` ("v=DKIM1; k=rsa; p=…"): ours, revoked or other. As
/// strict as RFC 6376 3.2 and 3.6.1 let a verifier be.
[[nodiscard]] Seen compare_record(std::string_view found, std::string_view expected);

class RecordProof {
 public:
  virtual ~RecordProof() = default;
  /// `name`: absolute, without the last dot. One server that does not answer, or not clearly,
  /// leaves it unknown. Any thread.
  [[nodiscard]] virtual Seen look(const std::string& name, const std::string& expected) = 0;
};

class DnsProof final : public RecordProof {
 public:
  struct Options {
    std::vector<Endpoint> resolvers;  ///< Empty: those of /etc/resolv.conf.
    bool authoritative = true;        ///< False: the resolvers' word is enough.
    std::vector<Endpoint> also = {};  ///< Resolvers that must see it too.
    std::uint16_t port = 53;          ///< Of authoritative servers.
    std::chrono::milliseconds timeout{3000};
    unsigned queries_per_second = 50;
  };
  explicit DnsProof(Options options);
  [[nodiscard]] Seen look(const std::string& name, const std::string& expected) override;

  struct Zone {
    std::string apex;
    std::chrono::seconds minimum{0};  ///< Of its SOA: "no such name" lives no longer.
    std::vector<Endpoint> servers;    ///< At most 16.
  };
  /// The zone that holds `name`. Fault: dns_temporary.
  [[nodiscard]] Result<Zone> zone_of(const std::string& name);

 private:
  struct One;
  [[nodiscard]] Seen look_in_caches(const std::string& name, const std::string& expected);
  [[nodiscard]] Seen look_in_zone(std::string name, const std::string& expected);
  /// What all servers of the zone say alike.
  [[nodiscard]] One ask_all(const Zone& zone, const std::string& name, const std::string& expected);
  /// By its own servers (RFC 2308 5); the minimum where none can tell.
  [[nodiscard]] std::chrono::seconds negative_ttl_of(const Zone& zone);
  /// zone_of() without the servers.
  [[nodiscard]] Result<Zone> apex_of(const std::string& name);
  [[nodiscard]] One ask_one(const Endpoint& server, const std::string& name,
                            const std::string& expected, bool authoritative);
  /// The first resolver that can tell, beginning with the one that could last.
  [[nodiscard]] Result<Ldns<ldns_pkt>> ask_resolvers(const std::string& name, ldns_rr_type type);
  [[nodiscard]] Result<std::vector<Endpoint>> servers_of(const std::string& apex);
  [[nodiscard]] Result<std::vector<Endpoint>> addresses_of(const std::string& host);
  void wait_for_turn();

  Options options_;
  std::atomic<std::size_t> resolver_ = 0;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point next_turn_;
};

}  // namespace signet::keys
