// What is audited of a domain: the addresses its mail may leave from and its keys in the store.
//
// From settings and store alone; no DNS here.
#pragma once

#include <string>
#include <vector>

#include "config/settings.hpp"
#include "keys/key_set.hpp"
#include "keys/private_key.hpp"
#include "relay/align/ways_out.hpp"

namespace signet::audit {

/// A key of the store with the record that belongs to its private half.
struct StoredKey {
  std::string selector;
  keys::KeyState state = keys::KeyState::active;
  std::string error = {};  ///< Not empty: the private half can't be loaded, and why.
  keys::Algorithm algorithm = keys::Algorithm::rsa;
  std::string public_base64 = {};
  std::string record = {};  ///< "v=DKIM1; k=rsa; p=…"
};

struct Subject {
  Domain domain;
  bool is_carried = false;  ///< Some client may send as it.
  align::WaysOut ways = {};
  Domain
      signing_domain;  ///< Whose keys sign: the domain itself, or its parent of [signing.parents].
  bool is_in_store = false;      ///< The signing domain has a folder with keys.
  std::string store_error = {};  ///< Not empty: the keys can't be read, and why.
  std::vector<StoredKey> keys = {};
};

/// Every way out that a client may send the domain's mail, over all routes.
[[nodiscard]] align::WaysOut ways_of(const config::Settings& settings, const Domain& domain,
                                     bool& is_carried);

/// Blocks: reads the keys.
[[nodiscard]] Subject read_subject(const config::Settings& settings, const Domain& domain);

/// Domains that the settings name, sorted: what clients may send as, [signing.parents] and the
/// platform domain. Those of the store are not among them unless named.
[[nodiscard]] std::vector<Domain> named_domains(const config::Settings& settings);

}  // namespace signet::audit
