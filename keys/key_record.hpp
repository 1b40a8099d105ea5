// A DKIM key record (RFC 6376 3.6.1): its name, and what it says. No DNS here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "relay/base/domain.hpp"
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

/// "selector._domainkey.domain" (RFC 6376 3.6.2.1)
[[nodiscard]] std::string record_name(const Domain& domain, const std::string& selector);

/// "selector.domain.zone": where a customer's CNAME at record_name() leads.
[[nodiscard]] std::string delegated_name(const Domain& domain, const std::string& selector,
                                         const Domain& zone);

struct NamedKey {
  std::string_view selector;
  std::string_view domain;
};
/// A record's name taken apart; nothing where it is none. Views of `name`.
[[nodiscard]] std::optional<NamedKey> split_record_name(std::string_view name);

}  // namespace signet::keys
