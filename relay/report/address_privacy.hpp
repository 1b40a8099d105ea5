// Mail addresses in the delivery log, cut or hashed: whoever reads it learns domains, not people.
//
//   whole    alice@example.com
//   domain   @example.com
//   hashed   3f9a0c51d2e47b68@example.com     the same person has the same hash
//
// The hash is HMAC-SHA-256 of the address in lower case, cut to 64 bits, under a key of this spool:
// without the key nobody can try addresses. Applies to every address in a line, those in the words
// of peers too, and where a peer's link has %40 for @.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "relay/base/result.hpp"

namespace signet::report {

enum class Addresses { whole, domain, hashed };

struct AddressPrivacy {
  Addresses addresses = Addresses::whole;
  std::string key = {};  ///< For hashed.
};

/// Of one line of JSON. What makes no sense as a local part goes rather than stays.
[[nodiscard]] std::string redact_addresses(std::string_view line, const AddressPrivacy& privacy);

/// Of a request target (RFC 9112 3.2) what hides no address from redact_addresses(): without its
/// query, and without the segment that has an escape or reaches beyond `most` octets and those
/// after it.
[[nodiscard]] std::string_view plain_target(std::string_view target, std::size_t most);

/// Reads the key in `file`, or makes one (mode 0600). Blocks. Fault: configuration.
[[nodiscard]] Result<std::string> address_key(const std::filesystem::path& file);

}  // namespace signet::report
