// IPv4 and IPv6 addresses, networks and endpoints as values.
//
// An IPv4-mapped IPv6 address (::ffff:a.b.c.d, RFC 4291 2.5.5.2) is the IPv4 address: parse() and
// from_sockaddr() make it so, and access rules can't be slipped past by writing one as the other.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "relay/base/result.hpp"

namespace signet {

class IpAddress {
 public:
  IpAddress() = default;  ///< 0.0.0.0
  /// "192.0.2.1" or "2001:db8::1", no brackets, no zone. Fault: bad_parameter.
  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);
  [[nodiscard]] static IpAddress from_bytes(const std::uint8_t* bytes, bool v6);

  [[nodiscard]] bool is_v4() const { return !v6_; }
  [[nodiscard]] bool is_v6() const { return v6_; }
  /// 4 or 16 octets, network order.
  [[nodiscard]] std::string_view bytes() const;
  [[nodiscard]] std::string to_string() const;
  /// Anything mail must not reach through an MX: loopback, private, link-local, unique local,
  /// unspecified, multicast, broadcast, shared (100.64/10), documentation, benchmarking and
  /// reserved.
  [[nodiscard]] bool is_special() const;
  [[nodiscard]] bool is_loopback() const;
  /// No receiver on the Internet sees this as where a connection comes from: loopback, private,
  /// link-local, unique local, unspecified and shared (RFC 1918, 3927, 4193, 4291, 6598).
  [[nodiscard]] bool is_private() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  bool v6_ = false;
  std::array<std::uint8_t, 16> octets_{};
};

/// A CIDR block. A bare address is a block of one.
struct IpNetwork {
  IpAddress address;
  unsigned prefix = 32;

  /// "10.0.0.0/8", "::1", "192.0.2.7". Faults: bad_parameter (also when host bits are set).
  [[nodiscard]] static Result<IpNetwork> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& other) const;
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const IpNetwork&, const IpNetwork&) = default;
};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;

  /// "192.0.2.1:25" or "[2001:db8::1]:25". Fault: bad_parameter.
  [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
  [[nodiscard]] static Endpoint from_sockaddr(const sockaddr_storage& storage);
  /// Fills `storage`; returns its length.
  socklen_t to_sockaddr(sockaddr_storage& storage) const;
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace signet
