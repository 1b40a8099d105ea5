// keyset.toml and domain.toml: what a domain says about its keys.
//
//   keyset.toml     [[key]]
//                   selector = "s1"
//                   state = "active"       generated published verified active retiring revoked
//                   legacy = true          optional: an RSA key below 2048 bits may sign
//   domain.toml     profile = "bulk"       optional: or "standard"
//                   legacy = true          optional: for every key of the domain
//                   [policy]               optional
//                   alignment = "observe"  or: auto tag hold refuse
//
// No I/O here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keys/signing_domain.hpp"
#include "relay/base/result.hpp"

namespace signet::keys {

enum class KeyState { generated, published, verified, active, retiring, revoked };

struct KeyEntry {
  std::string selector;
  KeyState state = KeyState::generated;
  bool legacy = false;
};

struct DomainRules {
  std::optional<Profile> profile;
  bool legacy = false;
  std::optional<AlignmentPolicy> alignment;
};

[[nodiscard]] std::string_view name_of(KeyState state);

/// Labels of letters, digits, hyphen and underscore: what may be a file name and a DNS name.
[[nodiscard]] bool is_selector(std::string_view text);

/// Fault: key_unavailable (line and reason). A name it does not know is an error: a misspelt
/// "legacy" must not go unseen.
[[nodiscard]] Result<std::vector<KeyEntry>> parse_key_set(std::string_view toml);
[[nodiscard]] Result<DomainRules> parse_domain_rules(std::string_view toml);
/// What parse_key_set() reads.
[[nodiscard]] std::string format_key_set(const std::vector<KeyEntry>& entries);

}  // namespace signet::keys
