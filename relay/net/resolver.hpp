// Resolver: DNS answers with their DNSSEC state, by libunbound on a thread of its own.
//
// One context for the process: one cache, single flight. Answers come back on the asking loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/ip_address.hpp"
#include "relay/base/result.hpp"
#include "relay/net/loop.hpp"

namespace signet::net {

enum class RecordType : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  tlsa = 52
};

enum class DnsSecurity { insecure, secure };

struct DnsAnswer {
  std::vector<std::string> records;  ///< Raw RDATA, in wire form; order as received.
  bool exists = false;  ///< False: NXDOMAIN. True with no records: the name has none of this type.
  DnsSecurity security = DnsSecurity::insecure;
  /// After CNAMEs, lower case, no trailing dot; empty for the root, and for a name with octets that
  /// no host or mail name has.
  std::string canonical_name;
  std::chrono::seconds ttl{0};
};

struct ResolverSettings {
  enum class Mode { system, servers, recursive };
  Mode mode = Mode::system;
  std::vector<Endpoint> servers;       ///< Mode::servers: forward to these.
  std::filesystem::path trust_anchor;  ///< File with DS or DNSKEY records; empty: no validation.
  std::filesystem::path root_hints;    ///< Mode::recursive; empty: built-in.
  std::chrono::milliseconds timeout{10000};  ///< For one question as a whole.
  /// Where answers could not be validated, it is tried again after this.
  std::chrono::milliseconds validate_again{600000};
  bool allow_loopback_servers = true;
  /// Called on the resolver's thread once it is known whether answers are validated, with the
  /// reason when they are not although a trust anchor is set, and again when that changes. Never
  /// called without a trust anchor.
  std::function<void(bool validates, const std::string& reason)> on_validation = {};
};

class Resolver {
 public:
  virtual ~Resolver() = default;
  /// `name` without trailing dot. Faults: dns_temporary (SERVFAIL, time out), dns_bogus,
  /// bad_parameter. NXDOMAIN and no data are answers, not faults.
  [[nodiscard]] virtual Task<Result<DnsAnswer>> resolve(Loop& loop, std::string name,
                                                        RecordType type) = 0;
  /// True once a probe at the trust anchor has shown that answers are validated. From any thread.
  [[nodiscard]] virtual bool validates() const { return false; }
};

/// A resolver ends before the loops that ask it; a question it has not answered by then is never
/// resumed. With a trust anchor, questions wait until a probe has shown whether the servers pass on
/// signatures; where they strip them every answer would be bogus, so then nothing is validated
/// until a later probe succeeds. Fault: configuration.
[[nodiscard]] Result<std::unique_ptr<Resolver>> make_resolver(const ResolverSettings& settings);

struct MxRecord {
  std::uint16_t preference = 0;
  std::string host;  ///< Lower case, no trailing dot; empty for the root (null MX, RFC 7505).
};

/// Decoders of RDATA; nothing for what is malformed.
[[nodiscard]] std::optional<MxRecord> decode_mx(std::string_view rdata);
[[nodiscard]] std::optional<IpAddress> decode_address(std::string_view rdata);
/// The strings joined without a space (RFC 7208 3.3, RFC 6376 3.6.2.2).
[[nodiscard]] std::optional<std::string> decode_txt(std::string_view rdata);
/// A domain name in RDATA (PTR, NS, CNAME).
[[nodiscard]] std::optional<std::string> decode_name(std::string_view rdata);

}  // namespace signet::net
