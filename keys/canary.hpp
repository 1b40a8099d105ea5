// The trial of a new key: it signs a share of the mail before it signs all.
//
// Mail with the new key and mail with the old one are compared by what receivers say of their DKIM
// signatures. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace signet::keys {

/// What became of mail that one key signed, by transaction.
struct Tally {
  std::uint64_t delivered = 0;
  std::uint64_t refused = 0;  ///< For its DKIM signature.
  [[nodiscard]] std::uint64_t all() const { return delivered + refused; }
  friend bool operator==(const Tally&, const Tally&) = default;
};
/// By selector.
using Tallies = std::map<std::string, Tally, std::less<>>;

struct CanaryPolicy {
  bool enabled = false;
  std::chrono::seconds stage = std::chrono::hours(24);  ///< At least so long at each share.
  std::uint64_t deliveries = 200;                       ///< At least so many, old and new alike.
};

/// Percent of the mail, stage by stage; then all.
inline constexpr std::array<unsigned, 2> kCanaryShares{1, 10};
/// Nothing: all of it.
[[nodiscard]] constexpr std::optional<unsigned> share_after(unsigned share) {
  for (const unsigned next : kCanaryShares)
    if (next > share) return next;
  return std::nullopt;
}

enum class Trial { wait, pass, fail };

/// Refused less often than the old key, or as often, over enough deliveries: pass. Refused three
/// times, and more often: fail, however few there were.
[[nodiscard]] constexpr Trial judge(const Tally& fresh, const Tally& old,
                                    const CanaryPolicy& policy) {
  constexpr std::uint64_t kNoChance = 3;
  const bool is_worse =
      fresh.refused * std::max<std::uint64_t>(old.all(), 1) > old.refused * fresh.all();
  if (is_worse) return fresh.refused >= kNoChance ? Trial::fail : Trial::wait;
  const bool enough = fresh.all() >= policy.deliveries && old.all() >= policy.deliveries;
  return enough ? Trial::pass : Trial::wait;
}

}  // namespace signet::keys
