#include "keys/create_key.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>

#include "keys/key_record.hpp"

namespace signet::keys {
namespace {

constexpr std::size_t kMaxName = 253;  // RFC 1035 2.3.4: 255 octets on the wire.

std::string dated_selector(WallTime now) {
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(now));
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "s%04d%02u%02u", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  return text.data();
}

Result<void> check_name(const std::string& name) {
  if (name.size() <= kMaxName) return {};
  return fail(Fault::bad_parameter, name + " is longer than a DNS name can be (253 octets)");
}

/// Selectors that have a CNAME into our zone; empty: the domain is not delegated.
Result<std::vector<std::string>> stable_selectors(const KeyFolder& folder) {
  const auto& delegation = folder.store().delegation;
  if (!delegation) return std::vector<std::string>();
  const auto rules = read_domain_rules(folder.store(), folder.domain());
  if (!rules) return rules.failure();
  return rules->delegated ? delegation->selectors : std::vector<std::string>();
}

/// Where the record of that selector belongs.
Result<std::string> place_of(const KeyFolder& folder, const std::string& selector) {
  const auto stable = stable_selectors(folder);
  if (!stable) return stable.failure();
  if (!is_among(*stable, selector)) return record_name(folder.domain(), selector);
  return delegated_name(folder.domain(), selector, folder.store().delegation->zone);
}

/// Of the record, and of the place that it is published at.
Result<void> check_names(const KeyFolder& folder, const std::string& selector) {
  const auto checked = check_name(record_name(folder.domain(), selector));
  if (!checked) return checked;
  const auto place = place_of(folder, selector);
  return place ? check_name(*place) : Result<void>(place.failure());
}

/// The first key of a domain: a PEM alone, which signs at once.
Result<PrivateKey> make_first_key(KeyFolder& folder, const std::string& selector,
                                  Algorithm algorithm) {
  if (algorithm == Algorithm::ed25519)
    return fail(Fault::bad_parameter,
                "an Ed25519 key signs only beside an RSA key: make that first");
  if (const auto fits = check_names(folder, selector); !fits) return fail(fits.error());
  auto key = PrivateKey::generate(algorithm);
  if (!key) return key;
  const auto written = folder.write_private_key(selector, *key);
  if (!written) return written.failure();
  return key;
}

/// What follows the date of a day's n-th key: "", "b", ... "z", "aa", "ab", ...
std::string day_suffix(std::size_t n) {
  std::string text;
  for (std::size_t left = n == 1 ? 0 : n; left > 0; left = (left - 1) / 26)
    text.insert(text.begin(), static_cast<char>('a' + (left - 1) % 26));
  return text;
}

/// The first of "s20261128", "s20261128b", ... that will do.
std::string first_dated(WallTime now, const std::function<bool(const std::string&)>& will_do) {
  const std::string dated = dated_selector(now);
  std::size_t n = 1;
  while (!will_do(dated + day_suffix(n))) ++n;
  return dated + day_suffix(n);
}

/// It signs, or may yet.
bool is_of_use(const KeyEntry& key, Algorithm algorithm) {
  const bool may_sign = is_pending(key) || key.state == KeyState::active;
  return may_sign && algorithm_of(key) == algorithm;
}

/// Of the stable selectors: see create_key(); empty: none of them will do.
std::string choose_stable(const KeySet& keys, const std::vector<std::string>& stable,
                          Algorithm algorithm) {
  const auto in_life = std::ranges::count_if(keys, [&](const KeyEntry& key) {
    return key.state != KeyState::deleted && algorithm_of(key) == algorithm;
  });
  for (const std::string& selector : stable) {
    const KeyEntry* key = find_same_name(keys, selector);
    if (key == nullptr || algorithm_of(*key) != algorithm) continue;
    const bool is_only = in_life == 1 && key->state == KeyState::active;
    if (is_only || is_pending(*key)) return key->selector;
  }
  const std::string* selector = free_selector(keys, stable);
  return selector != nullptr ? *selector : std::string();
}

std::string choose_dated(const KeyFolder& folder, const KeySet& keys, Algorithm algorithm,
                         WallTime now) {
  return first_dated(now, [&](const std::string& name) {
    const KeyEntry* known = find_same_name(keys, name);
    return known == nullptr ? !folder.has_private_key(name)
                            : known->selector == name && is_of_use(*known, algorithm);
  });
}

Result<std::string> choose_selector(const KeyFolder& folder, const KeySet& keys,
                                    Algorithm algorithm, WallTime now) {
  const auto stable = stable_selectors(folder);
  if (!stable) return stable.failure();
  auto chosen = choose_stable(keys, *stable, algorithm);
  return chosen.empty() ? choose_dated(folder, keys, algorithm, now) : std::move(chosen);
}

Result<CreatedKey> create_in(KeyFolder& folder, std::string selector, Algorithm algorithm,
                             const Note& note) {
  auto keys = folder.read();
  if (!keys) return keys.failure();
  if (selector.empty()) {
    auto chosen = choose_selector(folder, *keys, algorithm, note.at);
    if (!chosen) return chosen.failure();
    selector = std::move(*chosen);
  }
  const KeyEntry* known = find_key(*keys, selector);
  if (known == nullptr && folder.has_private_key(selector))
    return fail(
        Fault::key_state_wrong,
        selector + ".pem is there, but keyset.toml knows no such key: import it, or move it");
  const bool is_new =
      known == nullptr || known->state == KeyState::deleted || !folder.has_private_key(selector);
  if (known != nullptr && known->state != KeyState::deleted && !is_of_use(*known, algorithm))
    return fail(Fault::key_state_wrong, "selector " + selector + " is a key of " +
                                            std::string(name_of(algorithm_of(*known))) + ", " +
                                            std::string(name_of(known->state)) + ": name another");
  if (is_new) {
    const auto made = keys->empty() ? make_first_key(folder, selector, algorithm)
                                    : make_key(folder, *keys, selector, algorithm, note);
    if (!made) return made.failure();
    keys = folder.read();
    if (!keys) return keys.failure();
  }
  auto key = folder.private_key(selector);
  if (!key) return key.failure();
  KeyEntry entry = *find_key(*keys, selector);
  if (is_new) entry.moves = {{entry.state, note.at, note.reason, note.by}};
  auto place = place_of(folder, selector);
  if (!place) return place.failure();
  return CreatedKey{std::move(selector), std::move(*key), std::move(entry), is_new,
                    std::move(*place)};
}

}  // namespace

Result<PrivateKey> make_key(KeyFolder& folder, KeySet& keys, const std::string& selector,
                            Algorithm algorithm, const Note& note) {
  if (const auto fits = check_names(folder, selector); !fits) return fail(fits.error());
  auto key = PrivateKey::generate(algorithm);
  if (!key) return key;
  const auto fingerprint = fingerprint_of(*key);
  KeySet changed = keys;
  KeyEntry* known = find_key(changed, selector);
  if (known != nullptr && known->state == KeyState::generated &&
      !folder.has_private_key(selector)) {
    known->algorithm = algorithm;
    known->fingerprint = fingerprint;
  } else {
    const auto entered = enter_key(
        changed, {.selector = selector, .algorithm = algorithm, .fingerprint = fingerprint}, note);
    if (!entered) return entered.failure();
  }
  forget_old(changed);
  if (const auto written = folder.write(changed); !written) return written.failure();
  const auto placed = folder.write_private_key(selector, *key);
  if (!placed) return placed.failure();
  if (!*placed)
    return fail(Fault::key_state_wrong, selector + ".pem is there, but the keyset has no such key");
  keys = std::move(changed);
  return key;
}

std::string new_selector(const KeySet& keys, WallTime now) {
  return first_dated(
      now, [&](const std::string& selector) { return find_same_name(keys, selector) == nullptr; });
}

Result<CreatedKey> create_key(const StoreAccess& store, const Domain& domain, std::string selector,
                              Algorithm algorithm, const Note& note) {
  if (!selector.empty() && !is_selector(selector))
    return fail(Fault::bad_parameter, "bad selector: " + selector);
  auto folder = KeyFolder::open(store, domain, true);
  if (!folder) return folder.failure();
  auto created = create_in(*folder, std::move(selector), algorithm, note);
  if (!created) folder->drop_if_empty();
  return created;
}

}  // namespace signet::keys
