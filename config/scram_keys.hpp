// What is stored of a password for SCRAM-SHA-256 (RFC 5802 3, RFC 7677), as one line of text:
//
//   "SCRAM-SHA-256$" iterations ":" salt "$" StoredKey ":" ServerKey     (RFC 5803, RFC 5802 2.2)
//
// The keys let a server check a client, and do not let anybody log in as it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "relay/base/result.hpp"

namespace signet::config {

struct ScramKeys {
  static constexpr std::uint32_t kLeastIterations = 4096;  ///< RFC 7677 4.
  static constexpr std::uint32_t kMostIterations = 10'000'000;

  std::uint32_t iterations = 0;
  std::string salt;        ///< Base64, as the protocol sends it; 8 to 64 octets.
  std::string stored_key;  ///< Base64 of 32 octets.
  std::string server_key;  ///< Base64 of 32 octets.
};

/// Fault: bad_parameter.
[[nodiscard]] Result<ScramKeys> parse_scram_keys(std::string_view line);
[[nodiscard]] std::string to_string(const ScramKeys& keys);

}  // namespace signet::config
