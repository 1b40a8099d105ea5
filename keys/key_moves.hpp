// Moves of keys from state to state: which are legal, and what is written down of them.
//
//   generated -> published -> verified (-> canary) -> active -> retiring -> revoked -> deleted
//
// From published to published: given by hand or to a publisher, then seen in the DNS. Changes a key
// set in memory only.
#pragma once

#include <string>
#include <string_view>

#include "keys/key_set.hpp"

namespace signet::keys {

[[nodiscard]] bool is_legal(KeyState from, KeyState to);

/// What is written beside a move.
struct Note {
  WallTime at;
  std::string reason;
  std::string by;
};

/// Faults: not_found, key_state_wrong. When there are over 50 moves, one goes as by forget_move().
[[nodiscard]] Result<void> move_key(KeySet& keys, std::string_view selector, KeyState to,
                                    const Note& note);
/// Lets it sign `share` percent of the mail. Faults as move_key().
[[nodiscard]] Result<void> try_key(KeySet& keys, std::string_view selector, unsigned share,
                                   const Note& note);
/// Makes it active and what was active with the same algorithm retiring: one change, so that never
/// two sign and never none. Faults as move_key().
[[nodiscard]] Result<void> activate_key(KeySet& keys, std::string_view selector, const Note& note);
/// Gives up the active key for a retiring one that is still published. Faults as move_key().
[[nodiscard]] Result<void> fall_back_to(KeySet& keys, std::string_view selector, const Note& note);
/// Enters a new key; a deleted one of that name lives again. Faults: key_state_wrong.
[[nodiscard]] Result<void> enter_key(KeySet& keys, KeyEntry entry, const Note& note);
/// Forgets deleted keys but the last ten.
void forget_old(KeySet& keys);
/// Forgets a move of the key that has most: the oldest that KeyEntry::first() and since() don't
/// need, else the oldest. False: each key has its last move only.
[[nodiscard]] bool forget_move(KeySet& keys);

}  // namespace signet::keys
