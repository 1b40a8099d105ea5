#include "keys/rotator.hpp"

#include <algorithm>

#include "keys/create_key.hpp"

namespace signet::keys {
namespace {

constexpr int kMaxSteps = 20;  // In one go; the rest is done on the next.

}  // namespace

Result<Rotator::Report> Rotator::advance(const Domain& domain, bool may_begin,
                                         std::chrono::seconds recheck) {
  auto policy = policy_for(domain);
  if (!policy) return policy.failure();
  policy->recheck = recheck;
  auto planned = *policy;
  planned.rotates = planned.rotates && may_begin;
  bool failed = false;
  for (int steps = 0;; ++steps) {
    auto keys = read_key_set(options_.store, domain);
    if (!keys) return keys.failure();
    const auto facts = facts_of(domain);
    const auto tallies = tallies_of(domain, *keys);
    auto due = next_due(domain, *keys, facts, planned, clock_.now(), tallies);
    const bool waits = due.step == Step::nothing || due.at > clock_.now();
    if (waits || failed || stops_ || steps == kMaxSteps)
      return report(domain, std::move(*keys), *policy);
    const auto done = perform(domain, due);
    if (!done && done.error().fault != Fault::publisher_failed) return done.failure();
    failed = !done;  // The others of the domain have their turn on the next walk.
  }
}

void Rotator::stop() {
  stops_ = true;
  publisher_.stop();
}

Result<Rotator::Report> Rotator::look(const Domain& domain) {
  auto keys = read_key_set(options_.store, domain);
  if (!keys) return keys.failure();
  const auto policy = policy_for(domain);
  if (!policy) return policy.failure();
  return report(domain, std::move(*keys), *policy);
}

Result<RotationPolicy> Rotator::policy_for(const Domain& domain) const {
  const auto rules = read_domain_rules(options_.store, domain);
  if (!rules) return rules.failure();
  RotationPolicy policy = options_.policy;
  policy.rotates = policy.rotates && rules->rotates;
  if (rules->canary) policy.canary.enabled = *rules->canary;
  if (rules->interval) policy.interval = *rules->interval;
  policy.jitter = std::min(policy.jitter, policy.interval / 4);
  if (!options_.delegate_to || !rules->delegated) policy.selectors.clear();
  return policy;
}

Rotator::Report Rotator::report(const Domain& domain, KeySet keys, const RotationPolicy& policy) {
  auto tallies = tallies_of(domain, keys);
  Report report{std::move(keys), facts_of(domain), std::move(tallies), {}, {}};
  report.next = next_due(domain, report.keys, report.facts, policy, clock_.now(), report.tallies);
  if (policy.rotates) {
    report.rotates_at = next_rotation(domain, report.keys, policy);
    report.barred = what_bars_rotation(report.keys, policy);
  }
  report.rotating = successor_of(report.keys, Algorithm::rsa) != nullptr ||
                    successor_of(report.keys, Algorithm::ed25519) != nullptr;
  return report;
}

Result<void> Rotator::perform(const Domain& domain, const Due& due) {
  switch (due.step) {
    case Step::create:
      return create(domain, due);
    case Step::publish: {
      const auto published = publish(domain, due.selector);
      return published ? Result<void>() : Result<void>(published.failure());
    }
    case Step::confirm:
      return move(domain, due, KeyState::published);
    case Step::check:
      if (due.from == KeyState::generated) {
        if (const auto mended = mend_missing_key(domain, due.selector); !mended) return mended;
      }
      check(domain, due.selector);
      return {};
    case Step::verify:
      return move(domain, due, KeyState::verified);
    case Step::canary:
      return change_if_due(domain, due, [&](KeySet& keys) {
        return try_key(keys, due.selector, due.share, note(due.reason));
      });
    case Step::activate:
      return change_if_due(domain, due, [&](KeySet& keys) {
        return activate_key(keys, due.selector, note(due.reason));
      });
    case Step::fall_back:
      return change_if_due(domain, due, [&](KeySet& keys) {
        return fall_back_to(keys, due.selector, note(due.reason));
      });
    case Step::revoke: {
      const auto key = entry(domain, due.selector);
      if (!key) return key.failure();
      if (const auto told =
              publish_record(domain, due.selector, revoked_record(algorithm_of(*key)));
          !told)
        return told;
      if (key->state != KeyState::retiring) return {};
      return move(domain, due, KeyState::revoked);
    }
    case Step::remove: {
      if (const auto told = publish_record(domain, due.selector, std::nullopt); !told) return told;
      // In a block of its own: the lock must go before the move takes it.
      {
        auto folder = KeyFolder::open(options_.store, domain);
        if (!folder) return folder.failure();
        if (const auto gone = folder->destroy_private_key(due.selector); !gone) return gone;
      }
      break;
    }
    case Step::give_up:
      return move(domain, due, KeyState::failed);
    case Step::nothing:
      return {};
  }
  const auto moved = move(domain, due, KeyState::deleted);
  const std::lock_guard lock(mutex_);
  facts_[domain].erase(due.selector);
  return moved;
}

Result<void> Rotator::create(const Domain& domain, const Due& due) {
  auto folder = KeyFolder::open(options_.store, domain);
  if (!folder) return folder.failure();
  auto keys = folder->read();
  if (!keys) return keys.failure();
  if (const auto* made = successor_of(*keys, due.algorithm))
    return make_missing_key(*folder, *keys, made->selector);
  const auto policy = policy_for(domain);
  if (!policy) return policy.failure();
  auto selector = new_selector(*keys, clock_.now());
  if (!policy->selectors.empty()) {
    const auto* stable = free_selector(*keys, policy->selectors);
    if (stable == nullptr) {
      std::string what = what_bars_rotation(*keys, *policy);
      if (what.empty())
        what = "all selectors that have a CNAME are in use: wait until an old key is deleted";
      return fail(Fault::key_state_wrong, what, what);
    }
    selector = *stable;
  }
  const auto before = *keys;
  const auto made = make_key(*folder, *keys, selector, due.algorithm, note(due.reason));
  if (!made) return made.failure();
  tell(domain, before, *keys);
  return {};
}

Result<void> Rotator::mend_missing_key(const Domain& domain, const std::string& selector) {
  auto folder = KeyFolder::open(options_.store, domain);
  if (!folder) return folder.failure();
  auto keys = folder->read();
  if (!keys) return keys.failure();
  return make_missing_key(*folder, *keys, selector);
}

Result<void> Rotator::make_missing_key(KeyFolder& folder, KeySet& keys,
                                       const std::string& selector) const {
  const auto* key = find_key(keys, selector);
  if (key == nullptr || key->state != KeyState::generated || folder.has_private_key(selector))
    return {};
  const auto made =
      make_key(folder, keys, selector, algorithm_of(*key), note("made again after a crash"));
  return made ? Result<void>() : Result<void>(made.failure());
}

// Records of a delegated domain are in our zone; what other selectors it has is its own affair.
Result<void> Rotator::tell_publisher(const Domain& domain, const std::string& selector,
                                     std::optional<std::string> value) {
  const auto policy = policy_for(domain);
  if (!policy) return policy.failure();
  if (!is_published_by_us(*policy, selector)) return {};
  const auto name = policy->selectors.empty()
                        ? record_name(domain, selector)
                        : delegated_name(domain, selector, *options_.delegate_to);
  return publisher_.publish({name, std::move(value), options_.ttl});
}

Result<bool> Rotator::publishes(const Domain& domain, const std::string& selector) const {
  const auto policy = policy_for(domain);
  if (!policy) return policy.failure();
  return publisher_.acts() && is_published_by_us(*policy, selector);
}

Result<Rotator::Aliases> Rotator::aliases_of(const Domain& domain) const {
  const auto policy = policy_for(domain);
  if (!policy) return policy.failure();
  Aliases aliases;
  for (const auto& selector : policy->selectors)
    aliases.emplace_back(record_name(domain, selector),
                         delegated_name(domain, selector, *options_.delegate_to));
  return aliases;
}

Result<void> Rotator::publish_record(const Domain& domain, const std::string& selector,
                                     std::optional<std::string> value) {
  const auto done = tell_publisher(domain, selector, std::move(value));
  {
    const std::lock_guard lock(mutex_);
    DnsFact& fact = facts_[domain][selector];
    fact.told = clock_.now();
    if (done && publisher_.acts())
      fact = {.checked = {}, .wait = fact.wait, .told = fact.told};  // Asked anew, at once.
  }
  if (!done && observers_.publisher_failed) observers_.publisher_failed(domain, done.error());
  return done;
}

// A selector that lived before may still be cached as it was, and so may what another put there.
std::chrono::seconds Rotator::remembered(const KeyEntry& key, const Seen& seen) const {
  const bool lived = std::ranges::find(key.moves, KeyState::deleted, &Move::to) != key.moves.end();
  const auto wait = std::max({seen.negative_ttl, seen.foreign_ttl, replaced_ttl(key)});
  return lived ? std::max(wait, options_.ttl) : wait;
}

void Rotator::check(const Domain& domain, const std::string& selector) {
  const auto key = entry(domain, selector);
  if (!key) return;  // Gone since.
  const auto record = record_of(domain, *key);
  // What the record is to say nobody knows then; it is no fault of the DNS.
  const auto seen = record ? proof_.look(record_name(domain, selector), *record)
                           : Seen{RecordSeen::unknown, {}, record.error().detail};
  DnsFact fact;
  {
    const std::lock_guard lock(mutex_);
    DnsFact& known = facts_[domain][selector];
    known.seen = seen.seen;
    known.detail = seen.detail;
    known.checked = clock_.now();
    if (seen.seen != RecordSeen::ours) known.ours_since.reset();
    if (seen.seen == RecordSeen::ours)  // No later than now, where the clock was set back.
      known.ours_since = std::min(known.ours_since.value_or(known.checked), known.checked);
    // Who asked when it was longer keeps the answer so long.
    known.wait = std::max(known.wait, remembered(*key, seen));
    fact = known;
  }
  if (key->state == KeyState::active && is_wrong(fact.seen) && observers_.mismatched)
    observers_.mismatched(domain, selector, fact);
}

Result<std::string> Rotator::record_of(const Domain& domain, const KeyEntry& key) const {
  if (key.state == KeyState::revoked) return revoked_record(algorithm_of(key));
  const auto file = std::filesystem::path(domain.text()) / (key.selector + ".pem");
  const auto loaded = PrivateKey::load(options_.store.directory, file, options_.store.allow_group);
  if (!loaded) return loaded.failure();
  if (!key.fingerprint.empty() && fingerprint_of(*loaded) != key.fingerprint)
    return fail(Fault::key_unavailable, file.string() + " is not the key that keyset.toml names");
  return loaded->dns_record();
}

Result<void> Rotator::change(const Domain& domain, const Change& change) {
  auto folder = KeyFolder::open(options_.store, domain);
  if (!folder) return folder.failure();
  auto keys = folder->read();
  if (!keys) return keys.failure();
  const auto before = *keys;
  if (const auto changed = change(*keys); !changed) return changed;
  if (const auto written = folder->write(*keys); !written) return written;
  tell(domain, before, *keys);
  return {};
}

Result<void> Rotator::change_if_due(const Domain& domain, const Due& due, const Change& change) {
  return this->change(domain, [&](KeySet& keys) -> Result<void> {
    const KeyEntry* key = find_key(keys, due.selector);
    if (key == nullptr || key->state != due.from) return {};
    return change(keys);
  });
}

Result<void> Rotator::move(const Domain& domain, const Due& due, KeyState to) {
  return change_if_due(domain, due, [&](KeySet& keys) {
    return move_key(keys, due.selector, to, note(due.reason));
  });
}

Result<void> Rotator::move(const Domain& domain, const std::string& selector, KeyState to,
                           const std::string& reason) {
  return change(domain, [&](KeySet& keys) { return move_key(keys, selector, to, note(reason)); });
}

Result<KeyEntry> Rotator::entry(const Domain& domain, const std::string& selector) const {
  const auto keys = read_key_set(options_.store, domain);
  if (!keys) return keys.failure();
  const auto* key = find_key(*keys, selector);
  if (key == nullptr) return fail(Fault::not_found, domain.text() + " has no selector " + selector);
  return *key;
}

DnsFacts Rotator::facts_of(const Domain& domain) {
  const std::lock_guard lock(mutex_);
  const auto found = facts_.find(domain);
  return found == facts_.end() ? DnsFacts{} : found->second;
}

Tallies Rotator::tallies_of(const Domain& domain, const KeySet& keys) {
  if (options_.canaries == nullptr) return {};
  options_.canaries->watch(domain, keys);
  return options_.canaries->of(domain);
}

void Rotator::tell(const Domain& domain, const KeySet& before, const KeySet& after) {
  if (!observers_.moved) return;
  for (const KeyEntry& key : after) {
    const auto* old = find_same_name(before, key.selector);
    if (old != nullptr && old->moves == key.moves) continue;
    // Where the oldest moves were forgotten, the last one is what is new.
    const auto known = old != nullptr ? old->moves.size() : 0;
    for (auto i = std::min(known, key.moves.size() - 1); i < key.moves.size(); ++i) {
      KeyEntry then = key;
      then.moves.resize(i + 1);
      then.state = then.moves.back().to;
      observers_.moved(domain, then, i > 0 ? key.moves[i - 1].to : then.state);
    }
  }
}

}  // namespace signet::keys
