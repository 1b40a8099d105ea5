// keyset.toml and domain.toml: what a domain says about its keys.
//
//   keyset.toml     [[key]]
//                   selector = "s1"
//                   state = "active"       generated published verified canary active retiring
//                                          revoked deleted failed
//                   share = 10             of a canary: percent of the mail that it signs
//                   algorithm = "rsa-sha256"              optional, as all that follows
//                   fingerprint = "SHA256:<base64>"       of the octets in p=
//                   legacy = true                         an RSA key below 2048 bits may sign,
//                   legacy_until = "2027-06-30T00:00:00Z" until then: the end suffices, and is
//                   needed
//                   [[key.move]]           how it came to this state, oldest first
//                   to = "generated"
//                   at = "2026-11-25T19:00:00Z"
//                   reason = "new"
//                   by = "uid 0"
//   domain.toml     profile = "bulk"       optional: or "standard"
//                   legacy_until = "…"     optional: for every key of the domain
//                   [rotation]             optional: differs from [rotation] of the configuration
//                   enabled = false
//                   interval = "90d"
//                   delegated = false      its records are in its own zone, not in delegate_to
//                   canary = true          its new keys sign a share of the mail first
//                   [policy]               optional
//                   alignment = "observe"  or: auto tag hold refuse
//
// No I/O here.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keys/signing_domain.hpp"
#include "relay/base/clock.hpp"
#include "relay/base/result.hpp"

namespace signet::keys {

enum class KeyState {
  generated,  ///< The private half exists; nobody knows the public one.
  published,  ///< The record was given to the publisher.
  verified,   ///< Every name server answers with it, and old negative answers have expired.
  canary,     ///< Signs a share of the mail, on trial.
  active,     ///< Signs.
  retiring,   ///< Signs no more; the record stays for mail on its way.
  revoked,    ///< The record says p= without a key.
  deleted,    ///< No record, no private half: history.
  failed,     ///< Given up: never signs again.
};
inline constexpr std::size_t kKeyStates = 9;

struct Move {
  KeyState to = KeyState::generated;
  WallTime at;  ///< Whole seconds.
  std::string reason;
  std::string by;
  friend bool operator==(const Move&, const Move&) = default;
};

struct KeyEntry {
  std::string selector;
  KeyState state = KeyState::generated;
  std::optional<WallTime> legacy_until = {};
  std::optional<Algorithm> algorithm = {};
  std::string fingerprint = {};  ///< Empty: not known.
  unsigned share = 0;            ///< Of a canary: percent of the mail.
  std::vector<Move> moves = {};  ///< Oldest first, at most 50.

  /// When it came to its present state; nothing when nobody wrote that down.
  [[nodiscard]] std::optional<WallTime> since() const;
  /// When it first came to that state in its present life: deleted selectors may live again.
  [[nodiscard]] std::optional<WallTime> first(KeyState to) const;
  friend bool operator==(const KeyEntry&, const KeyEntry&) = default;
};

/// RSA where nobody wrote it down.
[[nodiscard]] inline Algorithm algorithm_of(const KeyEntry& key) {
  return key.algorithm.value_or(Algorithm::rsa);
}

using KeySet = std::vector<KeyEntry>;
inline constexpr std::size_t kMaxKeys = 100;

struct DomainRules {
  std::optional<Profile> profile;
  std::optional<WallTime> legacy_until = {};
  std::optional<AlignmentPolicy> alignment = {};
  bool rotates = true;
  bool delegated = true;
  std::optional<std::chrono::seconds> interval = {};
  std::optional<bool> canary = {};
};

[[nodiscard]] std::string_view name_of(KeyState state);

/// Labels of letters, digits, hyphen and underscore: what may be a file name and a DNS name.
[[nodiscard]] bool is_selector(std::string_view text);

/// DNS names know no case (RFC 4343).
[[nodiscard]] bool is_same_name(std::string_view a, std::string_view b);
[[nodiscard]] bool is_among(const std::vector<std::string>& selectors, std::string_view selector);

/// Null when there is none.
[[nodiscard]] KeyEntry* find_key(KeySet& keys, std::string_view selector);
[[nodiscard]] const KeyEntry* find_key(const KeySet& keys, std::string_view selector);
/// The key whose record has the same name: no set may hold two.
[[nodiscard]] const KeyEntry* find_same_name(const KeySet& keys, std::string_view selector);

/// Fault: key_unavailable (line and reason). No key at all is an error, as a cut-off file is; a
/// name it does not know is an error: a misspelt "legacy" must not go unseen. So is a state that is
/// not where the last move led.
[[nodiscard]] Result<KeySet> parse_key_set(std::string_view toml);
[[nodiscard]] Result<DomainRules> parse_domain_rules(std::string_view toml);
/// What parse_key_set() reads.
[[nodiscard]] std::string format_key_set(const KeySet& keys);

/// "2026-11-25T19:00:00Z" (RFC 3339, UTC, whole seconds).
[[nodiscard]] std::string format_time(WallTime time);
[[nodiscard]] std::optional<WallTime> parse_time(std::string_view text);

}  // namespace signet::keys
