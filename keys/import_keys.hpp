// Taking keys of another signer into the store: first a plan, then the store changes.
//
// Imported keys are active at once: they signed already where they come from. RSA keys below 2048
// bits (RFC 8301 3.2) need an end of their use. Everything blocks.
#pragma once

#include <functional>
#include <map>
#include <optional>

#include "keys/import_rules.hpp"
#include "keys/key_folder.hpp"
#include "keys/life_cycle.hpp"

namespace signet::keys {

/// Another program's key file: whoever owns it, through whatever links. Faults: not_found,
/// key_unavailable.
struct ForeignKey {
  PrivateKey key;
  bool was_open = false;  ///< Others could read the file.
};
[[nodiscard]] Result<ForeignKey> load_foreign_key(const std::filesystem::path& file);

/// A date alone means its beginning; no text: no end. Fault: bad_parameter, also of what is past.
[[nodiscard]] Result<std::optional<WallTime>> parse_legacy_end(const std::string& text,
                                                               WallTime now);

struct ImportOptions {
  StoreAccess store;
  std::optional<WallTime> legacy_until = {};  ///< For RSA keys below 2048 bits; without: refused.
  std::string replace_with = {};  ///< How a new key is made, for people: "signet keys new … DOMAIN"
  std::string legacy_option = "--legacy-until";  ///< What gives legacy_until, for people.
  /// Reads a key of the rules.
  std::function<Result<ForeignKey>(const std::filesystem::path&)> load = &load_foreign_key;
  /// Hears how many of the signing domains are planned; may be empty.
  std::function<void(std::size_t done, std::size_t all)> on_planned = {};
};

struct PlannedKey {
  Domain domain;
  std::string selector;
  std::filesystem::path file;
  PrivateKey key;
  bool is_legacy = false;
  bool is_there = false;  ///< In the store already, active.
};

struct ImportPlan {
  std::vector<ImportRule> rules = {};     ///< What is signed by what, without what was refused.
  std::vector<PlannedKey> keys = {};      ///< By domain, RSA first.
  std::map<Domain, Domain> parents = {};  ///< For [signing.parents]: author -> who signs.
  std::vector<std::string> refusals = {};
  std::vector<std::string> notes = {};
};

/// Changes nothing.
[[nodiscard]] ImportPlan plan_import(ImportRules rules, const ImportOptions& options);

/// Hears of each key that became active, or got another end: then a last move that the store does
/// not have says which.
using ImportObserver = std::function<void(const Domain&, const KeyEntry&)>;
/// Puts the planned keys into the store; what is there already stays as it is, so that it may be
/// repeated after a crash. Faults: key_state_wrong, store_read_only, key_unavailable.
[[nodiscard]] Result<void> apply_import(const ImportPlan& plan, const ImportOptions& options,
                                        const Note& note, const ImportObserver& observer);

}  // namespace signet::keys
