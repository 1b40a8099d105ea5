#include "keys/import_keys.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <set>

namespace signet::keys {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kMinRsaBits = 2048;

std::string name_of(const ImportedKey& key) { return key.selector + " of " + key.domain.text(); }

/// A key of the store that signs with the algorithm of `planned` and is none of those to be
/// imported: two would sign then.
const KeyEntry* pushed_aside(const KeySet& keys, const PlannedKey& planned,
                             const std::vector<PlannedKey>& all) {
  const auto is_planned = [&](const KeyEntry& key) {
    return std::ranges::any_of(all, [&](const PlannedKey& other) {
      return other.domain == planned.domain && other.selector == key.selector;
    });
  };
  const auto found = std::ranges::find_if(keys, [&](const KeyEntry& key) {
    return key.state == KeyState::active && algorithm_of(key) == planned.key.algorithm() &&
           !is_planned(key);
  });
  return found == keys.end() ? nullptr : &*found;
}

class ImportPlanner {
 public:
  ImportPlanner(ImportRules rules, const ImportOptions& options)
      : options_(options), rules_(std::move(rules.rules)) {
    plan_.refusals = std::move(rules.refusals);
    plan_.notes = std::move(rules.notes);
  }

  ImportPlan plan() {
    for (const ImportRule& rule : rules_) group(rule);
    std::size_t done = 0;
    for (auto& [domain, signer] : signers_) {
      plan_signer(domain, signer);
      if (options_.on_planned) options_.on_planned(++done, signers_.size());
    }
    return std::move(plan_);
  }

 private:
  /// All that one domain signs.
  struct Signer {
    std::set<ImportedKey> keys;
    std::vector<ImportRule> rules;
    bool differs = false;
  };

  void group(const ImportRule& rule) {
    const Domain& domain = rule.keys.front().domain;
    const auto is_other = [&](const ImportedKey& key) { return key.domain != domain; };
    if (std::ranges::any_of(rule.keys, is_other))
      return refuse(rule.author,
                    "is signed by several domains: Signet signs for an author with "
                    "one, and with [signing] platform_domain beside it");
    const std::set<ImportedKey> keys(rule.keys.begin(), rule.keys.end());
    auto& signer = signers_[domain];
    signer.differs = signer.differs || (!signer.rules.empty() && signer.keys != keys);
    signer.keys.insert(keys.begin(), keys.end());
    signer.rules.push_back(rule);
  }

  void plan_signer(const Domain& domain, Signer& signer) {
    if (signer.differs)
      return refuse(domain,
                    "signs for several author domains with different keys: in Signet all "
                    "active keys of a domain sign whatever it signs");
    std::vector<PlannedKey> planned;
    for (const ImportedKey& key : signer.keys)
      if (!plan_key(key, planned)) return;
    std::ranges::sort(planned, {}, [](const PlannedKey& key) {
      return std::pair(key.key.algorithm() != Algorithm::rsa, key.selector);
    });
    if (!fits_store(domain, planned)) return;
    for (const ImportRule& rule : signer.rules) {
      if (rule.author != domain && !plan_parent(rule.author, domain)) return;
    }
    const auto is_own = [&](const ImportRule& rule) { return rule.author == domain; };
    if (std::ranges::none_of(signer.rules, is_own))
      plan_.notes.push_back(domain.text() +
                            ": its own mail will be signed too, if a client sends it");
    std::ranges::move(planned, std::back_inserter(plan_.keys));
    std::ranges::move(signer.rules, std::back_inserter(plan_.rules));
  }

  bool plan_key(const ImportedKey& key, std::vector<PlannedKey>& planned) {
    if (!is_selector(key.selector)) {
      refuse(key.domain, "'" + key.selector + "' is no selector");
      return false;
    }
    auto loaded = options_.load(key.file);
    if (!loaded) {
      refuse(key.domain, loaded.error().detail);
      return false;
    }
    if (loaded->was_open)
      plan_.notes.push_back(key.file.string() + ": everybody could read it; replace it soon: " +
                            replacement(key.domain));
    const bool is_short =
        loaded->key.algorithm() == Algorithm::rsa && loaded->key.bits() < kMinRsaBits;
    if (is_short && !allow_short(key, loaded->key.bits())) return false;
    planned.push_back({key.domain, key.selector, key.file, std::move(loaded->key), is_short});
    return true;
  }

  bool allow_short(const ImportedKey& key, unsigned bits) {
    const auto what = name_of(key) + " is RSA of " + std::to_string(bits) +
                      " bits: replace it with '" + replacement(key.domain) + "'";
    if (options_.legacy_until)
      plan_.notes.push_back(what + "; it signs until " + format_time(*options_.legacy_until));
    else
      plan_.refusals.push_back(what + "; " + options_.legacy_option +
                               " with a date lets it sign so long");
    return options_.legacy_until.has_value();
  }

  [[nodiscard]] std::string replacement(const Domain& domain) const {
    return options_.replace_with + " " + domain.text();
  }

  /// What the store has of the domain must not be pushed aside.
  bool fits_store(const Domain& domain, std::vector<PlannedKey>& planned) {
    const auto present = read_key_set(options_.store, domain);
    if (!present && present.error().fault != Fault::not_found) {
      refuse(domain, present.error().detail);
      return false;
    }
    const KeySet keys = present ? *present : KeySet{};
    bool has_rsa = active_key(keys, Algorithm::rsa) != nullptr;
    for (PlannedKey& key : planned) {
      has_rsa = has_rsa || key.key.algorithm() == Algorithm::rsa;
      if (!fits_key(domain, keys, key, planned)) return false;
    }
    if (!has_rsa) refuse(domain, "has an Ed25519 key only, which signs only beside an RSA key");
    return has_rsa;
  }

  bool fits_key(const Domain& domain, const KeySet& keys, PlannedKey& planned,
                const std::vector<PlannedKey>& all) {
    const auto* same = find_key(keys, planned.selector);
    if (same != nullptr) {
      planned.is_there =
          same->state == KeyState::active && same->fingerprint == fingerprint_of(planned.key);
      if (planned.is_there) return true;
      refuse(domain, "the store has another key " + planned.selector + " (" +
                         std::string(keys::name_of(same->state)) + ")");
      return false;
    }
    if (const auto* other = find_same_name(keys, planned.selector)) {
      refuse(domain,
             planned.selector + " is the DNS name of the key " + other->selector + " in the store");
      return false;
    }
    const auto* active = pushed_aside(keys, planned, all);
    if (active == nullptr) return true;
    refuse(domain, "the store signs with " + active->selector + " already: retire that first");
    return false;
  }

  bool plan_parent(const Domain& author, const Domain& domain) {
    const auto own = read_key_set(options_.store, author);
    if (own) {
      refuse(author,
             "has keys of its own in the store, which come before those of " + domain.text());
      return false;
    }
    plan_.parents.emplace(author, domain);
    return true;
  }

  void refuse(const Domain& domain, const std::string& why) {
    plan_.refusals.push_back(domain.text() + ": " + why);
  }

  const ImportOptions& options_;
  std::vector<ImportRule> rules_;
  std::map<Domain, Signer> signers_;
  ImportPlan plan_;
};

KeyEntry entry_of(const PlannedKey& planned, const ImportOptions& options, const Note& note) {
  KeyEntry entry{.selector = planned.selector,
                 .state = KeyState::active,
                 .algorithm = planned.key.algorithm(),
                 .fingerprint = fingerprint_of(planned.key)};
  if (planned.is_legacy) entry.legacy_until = options.legacy_until;
  entry.moves.push_back({KeyState::active, std::chrono::floor<std::chrono::seconds>(note.at),
                         note.reason + " " + planned.file.string(), note.by});
  return entry;
}

/// The key as the observer hears of it: no move changed it, but somebody did.
KeyEntry with_new_end(KeyEntry known, KeyEntry imported) {
  auto& note = imported.moves.front();
  note.reason += known.legacy_until ? ", signs until " + format_time(*known.legacy_until)
                                    : std::string(", has no end");
  known.moves.push_back(std::move(note));
  return known;
}

// A PEM that no keyset names does no harm, one that is missing does: so it comes first. But a
// second PEM beside a lone one needs the keyset that tells them apart.
Result<void> take_key(const PlannedKey& planned, const ImportPlan& plan,
                      const ImportOptions& options, const Note& note,
                      const ImportObserver& observer) {
  auto folder = KeyFolder::open(options.store, planned.domain, true);
  if (!folder) return folder.failure();
  auto keys = folder->read();
  if (!keys) return keys.failure();
  KeyEntry entry = entry_of(planned, options, note);
  if (KeyEntry* known = find_key(*keys, planned.selector)) {
    if (known->fingerprint != entry.fingerprint || known->state != KeyState::active)
      return fail(Fault::key_state_wrong,
                  planned.domain.text() + " has another key " + planned.selector + " by now");
    if (known->legacy_until == entry.legacy_until) return {};
    known->legacy_until = entry.legacy_until;
    if (const auto written = folder->write(*keys); !written) return written;
    if (observer) observer(planned.domain, with_new_end(*known, std::move(entry)));
    return {};
  }
  if (const KeyEntry* other = find_same_name(*keys, planned.selector))
    return fail(Fault::key_state_wrong, planned.domain.text() + " has the key " + other->selector +
                                            " by now, of the same DNS name as " + planned.selector);
  if (const KeyEntry* active = pushed_aside(*keys, planned, plan.keys))
    return fail(Fault::key_state_wrong, planned.domain.text() + " signs with " + active->selector +
                                            " by now: retire that first");
  KeySet changed = *keys;
  changed.push_back(std::move(entry));
  if (const auto fits = folder->accepts(changed); !fits) return fits;
  if (!keys->empty()) {
    if (const auto written = folder->write(*keys); !written) return written;
  }
  const auto placed = folder->write_private_key(planned.selector, planned.key);
  if (!placed) return placed.failure();
  if (!*placed) {
    const auto there = folder->private_key(planned.selector);
    if (!there || fingerprint_of(*there) != changed.back().fingerprint)
      return fail(Fault::key_state_wrong, planned.domain.text() + ": " + planned.selector +
                                              ".pem is there and holds another key");
  }
  if (const auto written = folder->write(changed); !written) return written;
  if (observer) observer(planned.domain, changed.back());
  return {};
}

}  // namespace

Result<ForeignKey> load_foreign_key(const fs::path& file) {
  std::error_code error;
  const auto place = fs::canonical(file, error);
  if (error) return fail(Fault::not_found, file.string() + ": " + error.message());
  struct stat found{};
  const auto text = read_file(place.parent_path(), place.filename(), FileRule::foreign, &found);
  if (!text) return text.failure();
  auto key = PrivateKey::from_pem(text->view());
  if (!key) return fail(Fault::key_unavailable, file.string() + ": " + key.error().detail);
  return ForeignKey{std::move(*key), (found.st_mode & S_IROTH) != 0};
}

Result<std::optional<WallTime>> parse_legacy_end(const std::string& text, WallTime now) {
  if (text.empty()) return std::optional<WallTime>();
  auto time = parse_time(text.find('T') == std::string::npos ? text + "T00:00:00Z" : text);
  if (!time) return fail(Fault::bad_parameter, "a date is written 2027-06-30: '" + text + "'");
  if (*time <= now) return fail(Fault::bad_parameter, text + " is past: the key would not sign");
  return time;
}

ImportPlan plan_import(ImportRules rules, const ImportOptions& options) {
  return ImportPlanner(std::move(rules), options).plan();
}

Result<void> apply_import(const ImportPlan& plan, const ImportOptions& options, const Note& note,
                          const ImportObserver& observer) {
  for (const PlannedKey& key : plan.keys)
    if (const auto taken = take_key(key, plan, options, note, observer); !taken) return taken;
  return {};
}

}  // namespace signet::keys
