// The life of a key: what is due next.
//
//   generated -> published -> verified (-> canary) -> active -> retiring -> revoked -> deleted
//
// RFC 6376 3.6.1 (revoked: p= empty), M3AAWG's rotation paper (2019): publish, wait for old answers
// to expire, switch, keep the old record until mail on its way has arrived, revoke, destroy. Pure:
// from (key set, facts of the DNS, policy, time) to the next step. Whoever does the step writes the
// move down; what was begun and not written down is begun again, and that does no harm.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "keys/canary.hpp"
#include "keys/key_moves.hpp"

namespace signet::keys {

/// What the name servers say of a selector's record.
enum class RecordSeen {
  unknown,  ///< Not asked, or no clear answer from all.
  absent,
  ours,     ///< All answer with exactly our key.
  revoked,  ///< All answer with an empty p=.
  other,    ///< Something else, or not the same everywhere.
};
/// True where a signature by the key would fail now.
[[nodiscard]] bool is_wrong(RecordSeen seen);

struct DnsFact {
  RecordSeen seen = RecordSeen::unknown;
  WallTime checked;                         ///< When that was asked; with `unknown` too.
  std::optional<WallTime> ours_since = {};  ///< From when on every answer was ours.
  std::chrono::seconds wait{0};             ///< How long older answers may live in caches.
  std::optional<WallTime> told = {};        ///< When the publisher last did something for it.
  std::string detail = {};                  ///< For people.
};
/// By selector. Kept in memory: what is not known is asked again.
using DnsFacts = std::map<std::string, DnsFact, std::less<>>;

struct RotationPolicy {
  bool rotates = true;     ///< False: nothing new begins; what has begun is ended.
  bool publishes = false;  ///< False: the operator changes the DNS by hand.
  bool falls_back = false;
  std::chrono::seconds interval = std::chrono::hours(24 * 180);
  std::chrono::seconds jitter = std::chrono::hours(24 * 14);  ///< Up to this is added.
  std::chrono::seconds overlap = std::chrono::hours(24 * 12);
  /// How long a relay may sign on by what it read of the store before.
  std::chrono::seconds settle{0};
  std::chrono::seconds revoked_for = std::chrono::hours(24 * 7);  ///< Then the record goes.
  std::chrono::seconds poll = std::chrono::minutes(5);   ///< Between looks at a new record.
  std::chrono::seconds recheck = std::chrono::hours(1);  ///< Of the active key's record.
  std::chrono::seconds republish = std::chrono::minutes(10);
  std::chrono::seconds give_up = std::chrono::hours(24 * 7);  ///< A record that never appears.
  std::chrono::seconds retry = std::chrono::hours(24);        ///< After a failed key.
  CanaryPolicy canary = {};
  /// Stable ones with a CNAME into a zone of ours, used in turn; empty: ever new ones. Records of
  /// other selectors are the operator's affair then.
  std::vector<std::string> selectors = {};
  /// Minutes of the day (UTC) in which nothing is changed; may wrap around midnight.
  std::optional<std::pair<std::chrono::minutes, std::chrono::minutes>> quiet = {};
};

/// False: another zone's operator keeps its record.
[[nodiscard]] bool is_published_by_us(const RotationPolicy& policy, std::string_view selector);

enum class Step {
  nothing,
  create,   ///< A successor of `selector` with its algorithm.
  publish,  ///< Have the record published, then move to published.
  confirm,  ///< The operator has published it: move to published.
  check,    ///< Ask the name servers.
  verify,   ///< Move to verified.
  canary,   ///< Let it sign `share` of the mail.
  activate,
  fall_back,  ///< To `selector`.
  revoke,     ///< Have p= emptied, then move to revoked if it is not.
  remove,     ///< Have the record removed, destroy the private half, move to deleted.
  give_up,    ///< Move to failed.
};
[[nodiscard]] std::string_view name_of(Step step);
/// Why a key is moved to published where nobody but the DNS says so.
inline constexpr const char* kSeenInDns = "the record is in the DNS";

struct Due {
  Step step = Step::nothing;
  std::string selector = {};
  KeyState from = KeyState::generated;  ///< Of the key, when this was found due.
  Algorithm algorithm = Algorithm::rsa;
  unsigned share = 0;             ///< Of a canary: percent of the mail.
  WallTime at = WallTime::max();  ///< Not before this.
  std::string reason = {};
};

/// The step to do first, now or later. `domain` spreads the jitter; without tallies a canary stays
/// one.
[[nodiscard]] Due next_due(const Domain& domain, const KeySet& keys, const DnsFacts& facts,
                           const RotationPolicy& policy, WallTime now, const Tallies& tallies = {});

/// When the active key of `algorithm` is to be replaced; nothing without one, or when it is unknown
/// how old it is.
[[nodiscard]] std::optional<WallTime> rotation_time(const Domain& domain, const KeySet& keys,
                                                    Algorithm algorithm,
                                                    const RotationPolicy& policy);

/// The first of those times, of any algorithm, after quiet hours that it falls into; it may be
/// past.
[[nodiscard]] std::optional<WallTime> next_rotation(const Domain& domain, const KeySet& keys,
                                                    const RotationPolicy& policy);

/// Why no rotation of the domain can ever begin: its keys that sign have every stable selector.
/// Empty: one can.
[[nodiscard]] std::string what_bars_rotation(const KeySet& keys, const RotationPolicy& policy);

/// On its way to be active.
[[nodiscard]] bool is_pending(const KeyEntry& key);
/// A successor on its way to be active; null: none.
[[nodiscard]] const KeyEntry* successor_of(const KeySet& keys, Algorithm algorithm);
/// The first of the stable selectors that no key has; null: all are in use.
[[nodiscard]] const std::string* free_selector(const KeySet& keys,
                                               const std::vector<std::string>& selectors);
[[nodiscard]] const KeyEntry* active_key(const KeySet& keys, Algorithm algorithm);

}  // namespace signet::keys
