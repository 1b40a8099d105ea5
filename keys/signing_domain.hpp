// A domain that signs: its active keys and its profile, as last read from the store.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "keys/private_key.hpp"
#include "relay/base/alignment_policy.hpp"
#include "relay/base/clock.hpp"
#include "relay/base/domain.hpp"

namespace signet::keys {

struct SigningKey {
  std::string selector;
  PrivateKey key;
  unsigned canary_share = 0;  ///< On trial: percent of the mail that it signs; 0: it is active.
};

enum class Profile { standard, bulk };

/// Shared: the cache and messages in flight on several loops hold it; immutable.
struct SigningDomain {
  Domain name;
  /// Keys that sign: the active ones, RSA first and an Ed25519 key only beside it; then canaries.
  std::vector<SigningKey> keys;
  Profile profile = Profile::standard;
  bool profile_given = false;  ///< domain.toml says; else the default profile counts.
  std::optional<AlignmentPolicy> alignment = {};  ///< domain.toml says; else the client's counts.
  std::vector<std::string> warnings = {};         ///< For the log: legacy keys, ignored files.
};

/// Those that sign all mail but a canary's share.
[[nodiscard]] std::span<const SigningKey> active_keys(const SigningDomain& domain);
/// Indices of the keys that sign one message: of each algorithm the canary if the message's `lot`
/// (0 to 99) falls into its share, else the active key.
[[nodiscard]] std::vector<std::size_t> keys_for(const SigningDomain& domain, unsigned lot);
/// No message's lot: the active keys.
inline constexpr unsigned kNoLot = 100;

/// Reads one domain from disk. Blocks. Faults: not_found (no directory, or no key in it),
/// no_active_key (the keyset says so), key_unavailable (something is there but can't be used: the
/// detail says file and reason). `now` decides whether a legacy key may still sign.
[[nodiscard]] Result<std::shared_ptr<const SigningDomain>> read_domain(
    const std::filesystem::path& store, const Domain& domain, bool allow_group, WallTime now);

}  // namespace signet::keys
