// A DKIM key record (RFC 6376 3.6.1): what selector._domainkey.domain says. No DNS here.
#pragma once

#include <string>
#include <string_view>

#include "relay/base/result.hpp"

namespace signet::keys {

struct PublicKeyRecord {
  std::string algorithm = "rsa";  ///< k=
  std::string key;                ///< decoded p=; empty: revoked
  bool testing = false;           ///< t=y
  bool strict_identity = false;   ///< t=s
  bool allows_sha256 = true;      ///< h=
  bool allows_email = true;       ///< s=
};
/// A key record's text. Fault: bad_parameter.
[[nodiscard]] Result<PublicKeyRecord> parse_key_record(std::string_view text);

}  // namespace signet::keys
