// What an operator asks of a Rotator.
#include <algorithm>
#include <charconv>
#include <thread>

#include "keys/rotator.hpp"

namespace signet::keys {
namespace {

/// Ends with whole seconds. Kept as a reason: who activates the key may not have been there to see
/// what its record replaced.
constexpr std::string_view kReplaces = "another record is there, for caches to keep, seconds: ";

/// By the reasons of its moves to published. That a publisher took it says nothing of when the last
/// name server had it.
std::optional<WallTime> in_dns_since(const KeyEntry& key) {
  std::optional<WallTime> since;
  for (const Move& move : key.moves) {
    if (move.to == KeyState::generated) since.reset();  // A selector that lives again.
    const bool proves = move.reason == kSeenInDns;
    if (move.to == KeyState::published && proves) since = since.value_or(move.at);
  }
  return since;
}

/// Failed without a record in the DNS.
bool never_was_published(const KeyEntry& key) {
  const auto& moves = key.moves;
  return key.state == KeyState::failed && moves.size() >= 2 &&
         moves[moves.size() - 2].to == KeyState::generated;
}

}  // namespace

Result<KeyEntry> Rotator::begin(const Domain& domain, Algorithm algorithm) {
  const auto created = create(
      domain, {.step = Step::create, .algorithm = algorithm, .reason = "asked for by an operator"});
  if (!created) return created.failure();
  const auto keys = read_key_set(options_.store, domain);
  if (!keys) return keys.failure();
  const auto* made = successor_of(*keys, algorithm);
  if (made == nullptr) return fail(Fault::key_state_wrong, "the new key is in use already");
  return *made;
}

Result<KeyEntry> Rotator::publish(const Domain& domain, const std::string& selector) {
  if (const auto mended = mend_missing_key(domain, selector); !mended) return mended.failure();
  auto key = entry(domain, selector);
  if (!key) return key;
  if (key->state == KeyState::revoked || key->state == KeyState::deleted ||
      key->state == KeyState::failed) {
    const std::string what = "selector " + selector + " is " + std::string(name_of(key->state)) +
                             ": its record must not come back";
    return fail(Fault::key_state_wrong, what, what);
  }
  const auto record = record_of(domain, *key);
  if (!record) return record.failure();
  const auto is_given = publishes(domain, selector);
  if (!is_given) return is_given.failure();
  std::string reason = "an operator publishes it";
  if (key->state == KeyState::generated && *is_given)
    reason = reason_to_give(domain, selector, *record);
  if (const auto told = publish_record(domain, selector, *record); !told) return told.failure();
  if (key->state == KeyState::generated) {
    const auto moved = move(domain, selector, KeyState::published, reason);
    if (!moved) return moved.failure();
  }
  return entry(domain, selector);
}

std::string Rotator::reason_to_give(const Domain& domain, const std::string& selector,
                                    const std::string& record) {
  const std::string given = "given to the publisher";
  const auto ttl = proof_.look(record_name(domain, selector), record).foreign_ttl.count();
  return ttl == 0 ? given : given + ": " + std::string(kReplaces) + std::to_string(ttl);
}

std::chrono::seconds Rotator::replaced_ttl(const KeyEntry& key) {
  std::chrono::seconds longest{0};
  for (const Move& move : key.moves) {
    if (move.to == KeyState::generated) longest = longest.zero();
    const auto at = move.reason.find(kReplaces);
    if (move.to != KeyState::published || at == std::string::npos) continue;
    std::uint32_t ttl = 0;
    const auto* end = move.reason.data() + move.reason.size();
    std::from_chars(move.reason.data() + at + kReplaces.size(), end, ttl);
    longest = std::max(longest, std::chrono::seconds(ttl));
  }
  return longest;
}

Result<KeyEntry> Rotator::activate(const Domain& domain, const std::string& selector,
                                   bool unproven) {
  auto key = entry(domain, selector);
  if (!key || key->state == KeyState::active) return key;
  if (!is_pending(*key) && key->state != KeyState::retiring) {
    const std::string what =
        "selector " + selector + " is " + std::string(name_of(key->state)) + ": make another key";
    return fail(Fault::key_state_wrong, what, what);
  }
  const auto record = record_of(domain, *key);
  if (!record) return record.failure();
  if (!unproven) {
    if (const auto proven = prove(domain, *key, *record); !proven) return proven.failure();
  }
  const std::string reason = unproven ? "an operator takes it unproven" : "proven in the DNS";
  const auto changed = change(domain, [&](KeySet& keys) -> Result<void> {
    using enum KeyState;
    for (const auto step : {published, verified}) {
      const auto* now = find_key(keys, selector);
      const bool is_before = now != nullptr &&
                             (now->state == generated || now->state == published) &&
                             now->state < step;
      if (!is_before) continue;
      if (const auto moved = move_key(keys, selector, step, note(reason)); !moved) return moved;
    }
    return activate_key(keys, selector, note(reason));
  });
  if (!changed) return changed.failure();
  return entry(domain, selector);
}

Result<void> Rotator::prove(const Domain& domain, const KeyEntry& key, const std::string& record) {
  const auto name = record_name(domain, key.selector);
  const auto seen = proof_.look(name, record);
  if (key.state == KeyState::published && seen.foreign_ttl > replaced_ttl(key)) {
    const auto noted = move(domain, key.selector, KeyState::published,
                            std::string(kReplaces) + std::to_string(seen.foreign_ttl.count()));
    if (!noted) return noted;
  }
  if (seen.seen != RecordSeen::ours) {
    const std::string what =
        "the DNS does not prove " + name + ": " + (seen.detail.empty() ? "no answer" : seen.detail);
    return fail(Fault::key_state_wrong, what, what);
  }
  if (key.state != KeyState::generated && key.state != KeyState::published) return {};
  const auto known = in_dns_since(key);
  if (!known) {
    const auto moved = move(domain, key.selector, KeyState::published, kSeenInDns);
    if (!moved) return moved;
  }
  const WallTime expired = known.value_or(clock_.now()) + remembered(key, seen);
  if (clock_.now() >= expired) return {};
  const std::string what = name +
                           " is in the DNS, but answers without it may be remembered until " +
                           format_time(expired) + ": activate it then, or --unproven now";
  return fail(Fault::key_state_wrong, what, what);
}

Result<KeyEntry> Rotator::retire(const Domain& domain, const std::string& selector) {
  auto key = entry(domain, selector);
  if (!key || key->state == KeyState::retiring) return key;
  const auto moved = move(domain, selector, KeyState::retiring, "asked for by an operator");
  if (!moved) return moved.failure();
  return entry(domain, selector);
}

bool Rotator::may_still_sign(const KeyEntry& key) const {
  const auto settled = key.since().value_or(clock_.now()) + options_.policy.settle;
  return key.state == KeyState::active || key.state == KeyState::canary ||
         (key.state == KeyState::retiring && settled > clock_.now());
}

Result<KeyEntry> Rotator::revoke(const Domain& domain, const std::string& selector) {
  auto key = entry(domain, selector);
  if (!key || never_was_published(*key)) return key;
  if (key->state == KeyState::generated) {
    const auto moved = move(domain, selector, KeyState::failed, "revoked before it was published");
    if (!moved) return moved.failure();
    return entry(domain, selector);
  }
  if (key->state != KeyState::revoked) {
    bool may_sign = false;
    const auto moved = change(domain, [&](KeySet& keys) {
      const auto* now = find_key(keys, selector);  // What it was above may be long ago.
      may_sign = now != nullptr && may_still_sign(*now);
      return move_key(keys, selector, KeyState::revoked, note("asked for by an operator"));
    });
    if (!moved) return moved.failure();
    const auto is_told = publishes(domain, selector);
    if (!is_told) return is_told.failure();
    if (may_sign && *is_told) std::this_thread::sleep_for(options_.policy.settle);
  }
  const auto told = publish_record(domain, selector, revoked_record(algorithm_of(*key)));
  if (!told) return told.failure();
  return entry(domain, selector);
}

}  // namespace signet::keys
