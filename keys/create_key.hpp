// New private keys in the store.
#pragma once

#include "keys/key_folder.hpp"
#include "keys/life_cycle.hpp"

namespace signet::keys {

/// Makes a key pair, enters it as `generated` and writes the private half. The keyset comes first:
/// two PEM files without one are an error. A crash between the two is mended by the next call.
/// Faults: bad_parameter (its name, or that in the zone it is delegated to, is longer than a DNS
/// name can be), key_state_wrong (the selector is in use), store_read_only, key_unavailable.
[[nodiscard]] Result<PrivateKey> make_key(KeyFolder& folder, KeySet& keys,
                                          const std::string& selector, Algorithm algorithm,
                                          const Note& note);

/// A selector that the set does not know: "s" and the date, with letters behind it if need be.
[[nodiscard]] std::string new_selector(const KeySet& keys, WallTime now);

struct CreatedKey {
  std::string selector;
  PrivateKey key;
  KeyEntry entry;
  bool is_new = false;  ///< Then the note is the entry's only move.
  std::string place;    ///< The name its record belongs at: in the zone that a CNAME leads to.
};
/// `signet keys new`: makes STORE/<domain>/<selector>.pem (0600, directory 0700). An existing key
/// of that algorithm that signs or may yet sign is left as it is and returned (safe to repeat).
/// Empty `selector`: of those that have a CNAME into our zone that of the algorithm's key on its
/// way to sign, or of its only key, or a free one; without such "s" and the date, with letters
/// behind it if need be. The first key of a domain needs no keyset: it is active. A second
/// one is `generated`, the first stays active. Blocks. Faults: bad_parameter, as make_key().
[[nodiscard]] Result<CreatedKey> create_key(const StoreAccess& store, const Domain& domain,
                                            std::string selector, Algorithm algorithm,
                                            const Note& note);

}  // namespace signet::keys
