// KeyFolder: STORE/<domain>/ held for a change. One at a time for each domain, in whatever process:
// the daemon and the command line wait for each other (flock(2) on the folder).
//
// What it writes is whole or not there (durable_file.hpp), so a crash leaves the keyset before or
// after a change, never between. Everything blocks.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "keys/durable_file.hpp"
#include "keys/key_set.hpp"
#include "keys/secret_file.hpp"

namespace signet::keys {

/// Records of these selectors are in a zone of ours, behind CNAMEs.
struct Delegation {
  Domain zone;
  std::vector<std::string> selectors;
};

struct StoreAccess {
  std::filesystem::path directory;
  bool allow_group = false;
  StepObserver observer = {};  ///< For tests.
  /// New keys need names that fit it, unless domain.toml says `delegated = false`.
  std::optional<Delegation> delegation = {};
};

/// Opens STORE/<domain>/. A link must lead to a folder of that name, as in a mounted secret: keys
/// of another domain, proven for that one, would sign. Faults: not_found, key_unavailable.
[[nodiscard]] Result<Descriptor> open_folder(const std::filesystem::path& store,
                                             const Domain& domain);

/// The keys of a domain as they are, without the lock: from keyset.toml, else from its only PEM,
/// which is then active since the file was last changed. Faults: not_found (no key),
/// key_unavailable.
[[nodiscard]] Result<KeySet> read_key_set(const StoreAccess& store, const Domain& domain);
/// domain.toml, or what holds without one. Fault: key_unavailable.
[[nodiscard]] Result<DomainRules> read_domain_rules(const StoreAccess& store, const Domain& domain);

class KeyFolder {
 public:
  /// Waits at most 10 s for the lock. With `make` the folder is made if it is missing. Faults:
  /// not_found, store_read_only, key_unavailable (held by another).
  [[nodiscard]] static Result<KeyFolder> open(StoreAccess store, const Domain& domain,
                                              bool make = false);

  [[nodiscard]] const StoreAccess& store() const { return store_; }
  [[nodiscard]] const Domain& domain() const { return domain_; }
  /// As read_key_set(), but no key at all is an empty set.
  [[nodiscard]] Result<KeySet> read() const;
  /// True if write() would take that set. Fault: key_state_wrong.
  [[nodiscard]] Result<void> accepts(const KeySet& keys) const;
  /// Replaces keyset.toml, unless nobody could read what it would hold then. Old moves go where the
  /// file would be too large. Faults:
  /// key_state_wrong, store_read_only, key_unavailable.
  [[nodiscard]] Result<void> write(const KeySet& keys);
  [[nodiscard]] bool has_private_key(const std::string& selector) const;
  [[nodiscard]] Result<PrivateKey> private_key(const std::string& selector) const;
  /// False: there was one, which is kept. The key text is wiped. Faults as write().
  [[nodiscard]] Result<bool> write_private_key(const std::string& selector, const PrivateKey& key);
  [[nodiscard]] Result<void> destroy_private_key(const std::string& selector);
  /// A folder without any file is no domain of the store.
  void drop_if_empty();

 private:
  KeyFolder(StoreAccess store, Domain domain, Descriptor directory)
      : store_(std::move(store)), domain_(std::move(domain)), directory_(std::move(directory)) {}
  /// keyset.toml as it would be. Fault: key_state_wrong.
  [[nodiscard]] Result<std::string> format(const KeySet& keys) const;
  [[nodiscard]] std::filesystem::path path() const { return store_.directory / domain_.text(); }

  StoreAccess store_;
  Domain domain_;
  Descriptor directory_;  // Carries the lock; let go when closed.
};

/// "SHA256:<base64>" of the octets that p= carries.
[[nodiscard]] std::string fingerprint_of(const PrivateKey& key);

/// Selectors of the PEM files in a folder, sorted; at most 1,000. Fault: key_unavailable.
[[nodiscard]] Result<std::vector<std::string>> selectors_in(const std::filesystem::path& folder);

}  // namespace signet::keys
