#include "keys/life_cycle.hpp"

#include <algorithm>
#include <array>

namespace signet::keys {
namespace {

using std::chrono::seconds;
using enum KeyState;

/// A proof so old stands for now: longer than what is done between the answer and the step.
constexpr seconds kOfNow{10};

std::uint64_t hash_of(std::string_view text) {  // FNV-1a: the same on every node and run.
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return hash;
}

/// The end of the quiet hours, if it is in them.
std::optional<WallTime> quiet_until(const RotationPolicy& policy, WallTime now) {
  if (!policy.quiet) return std::nullopt;
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const auto minute = std::chrono::floor<std::chrono::minutes>(now - day);
  const auto [from, until] = *policy.quiet;
  if (from <= until) {
    if (minute < from || minute >= until) return std::nullopt;
    return WallTime(day) + until;
  }
  if (minute >= from) return WallTime(day) + std::chrono::days(1) + until;
  if (minute < until) return WallTime(day) + until;
  return std::nullopt;
}

bool changes_something(Step step) {
  return step == Step::create || step == Step::publish || step == Step::canary ||
         step == Step::activate || step == Step::revoke || step == Step::remove;
}

/// Gathers what each key waits for and keeps the earliest.
class Planner {
 public:
  Planner(const Domain& domain, const KeySet& keys, const DnsFacts& facts,
          const RotationPolicy& policy, WallTime now, const Tallies& tallies)
      : domain_(domain),
        keys_(keys),
        facts_(facts),
        policy_(policy),
        now_(now),
        tallies_(tallies) {}

  Due plan() {
    for (const KeyEntry& key : keys_) plan_key(key);
    return std::move(first_);
  }

 private:
  void plan_key(const KeyEntry& key) {
    switch (key.state) {
      case generated:
        return plan_generated(key);
      case published:
        return plan_published(key);
      case verified:
        return plan_verified(key);
      case canary:
        return plan_canary(key);
      case active:
        return plan_active(key);
      case retiring:
        return plan_retiring(key);
      case revoked:
        return plan_revoked(key);
      case failed:
        return offer_publication(key, Step::remove, "failed, overlap is over",
                                 since(key) + policy_.overlap);
      case deleted:
        return;
    }
  }

  void plan_generated(const KeyEntry& key) {
    if (policy_.publishes) return offer_publication(key, Step::publish, "made");
    if (fact(key).seen == RecordSeen::ours) return offer(Step::confirm, key, now_, kSeenInDns);
    offer_check(key, policy_.poll);
  }

  void plan_published(const KeyEntry& key) {
    const DnsFact known = fact(key);
    if (!known.ours_since) {
      offer_give_up(key, "the record never was in the DNS");
      if (policy_.publishes && known.seen != RecordSeen::unknown)
        offer_publication(key, Step::publish, "not in the DNS");
      return offer_check(key, policy_.poll);
    }
    const WallTime expired = old_answers_expire(key);
    if (known.checked >= expired)
      return offer(Step::verify, key, now_, "all name servers answer, old answers have expired");
    offer(Step::check, key, expired, "old answers have expired");
  }

  void plan_verified(const KeyEntry& key) {
    offer_give_up(key, "the record went away again");
    if (is_proven(key)) {
      if (const auto expired = old_answers_expire(key); fact(key).checked < expired)
        return offer(Step::check, key, expired, "old answers have expired");
      const bool on_trial = policy_.canary.enabled && active_key(keys_, algorithm_of(key));
      if (!on_trial) return offer_signing(Step::activate, key, now_, "verified");
      return offer_share(key, kCanaryShares.front(), now_, "verified");
    }
    const DnsFact known = fact(key);
    if (policy_.publishes && known.seen != RecordSeen::unknown && !known.ours_since)
      offer_publication(key, Step::publish, "not in the DNS any more");
    offer_check(key, policy_.poll);
  }

  void plan_canary(const KeyEntry& key) {
    const KeyEntry* old = active_key(keys_, algorithm_of(key));
    offer_check(key, is_proven(key) ? policy_.recheck : policy_.poll);
    if (old == nullptr) {
      if (is_proven(key)) offer_signing(Step::activate, key, now_, "no other key signs");
      return;
    }
    if (is_wrong(fact(key).seen)) return offer(Step::give_up, key, now_, "its record is wrong");
    const Tally fresh = tally(key);
    const Tally before = tally(*old);
    const Trial trial = judge(fresh, before, policy_.canary);
    const std::string counts = compare(fresh, *old, before);
    if (trial == Trial::fail) return offer(Step::give_up, key, now_, "canary failed: " + counts);
    if (!is_proven(key)) return;
    if (!policy_.canary.enabled)
      return offer_signing(Step::activate, key, now_, "canary switched off");
    if (trial == Trial::wait) return;
    const WallTime over = since(key) + policy_.canary.stage;
    const auto next = share_after(key.share);
    if (next) return offer_share(key, *next, over, counts);
    offer_signing(Step::activate, key, over, "canary passed: " + counts);
  }

  void plan_active(const KeyEntry& key) {
    offer_check(key, fact(key).seen == RecordSeen::unknown ? policy_.poll : policy_.recheck);
    if (policy_.falls_back && is_wrong(fact(key).seen)) plan_fall_back(key);
    if (!policy_.rotates || successor_of(keys_, algorithm_of(key)) != nullptr) return;
    if (!policy_.selectors.empty() && free_selector(keys_, policy_.selectors) == nullptr) return;
    const auto time = rotation_time(domain_, keys_, algorithm_of(key), policy_);
    if (time) offer(Step::create, key, *time, "rotation");
  }

  void plan_fall_back(const KeyEntry& bad) {
    for (const KeyEntry& key : keys_) {
      if (key.state != retiring || algorithm_of(key) != algorithm_of(bad)) continue;
      if (is_proven(key))
        return offer(Step::fall_back, key, now_, "the record of " + bad.selector + " is wrong");
      offer_check(key, policy_.poll);
    }
  }

  void plan_retiring(const KeyEntry& key) {
    if (is_way_back(key)) return;
    const WallTime over = since(key) + policy_.overlap;
    if (policy_.publishes) return offer_publication(key, Step::revoke, "overlap is over", over);
    offer(Step::revoke, key, over, "overlap is over");
  }

  void plan_revoked(const KeyEntry& key) {
    const RecordSeen seen = fact(key).seen;
    const WallTime over = since(key) + policy_.revoked_for;
    if (!is_published_by_us(policy_, key.selector))
      return offer_publication(key, Step::remove, "revoked long enough, its record is not ours",
                               over);
    if (seen == RecordSeen::revoked || seen == RecordSeen::absent)
      return offer_publication(key, Step::remove, "revoked long enough", over);
    // Whoever revoked it may not have come to tell the publisher.
    if (policy_.publishes && seen != RecordSeen::unknown)
      offer_publication(key, Step::revoke, "revoked, but not in the DNS",
                        since(key) + policy_.settle);
    offer_check(key, policy_.poll);
  }

  // As long as the active key is not proven, its revocation would bar the fall-back.
  [[nodiscard]] bool is_way_back(const KeyEntry& key) const {
    const KeyEntry* other = active_key(keys_, algorithm_of(key));
    return policy_.falls_back && other != nullptr && fact(*other).seen != RecordSeen::ours &&
           !is_wrong(fact(key).seen);
  }

  /// Those from before the record was there, or there again.
  [[nodiscard]] WallTime old_answers_expire(const KeyEntry& key) const {
    const DnsFact known = fact(key);
    return known.ours_since.value_or(known.checked) + known.wait;
  }

  [[nodiscard]] bool is_proven(const KeyEntry& key) const {
    return fact(key).seen == RecordSeen::ours && fact(key).checked + policy_.recheck > now_;
  }

  [[nodiscard]] Tally tally(const KeyEntry& key) const {
    const auto found = tallies_.find(key.selector);
    return found == tallies_.end() ? Tally{} : found->second;
  }

  static std::string compare(const Tally& fresh, const KeyEntry& old, const Tally& before) {
    return "refused for DKIM " + std::to_string(fresh.refused) + " of " +
           std::to_string(fresh.all()) + ", with " + old.selector + " " +
           std::to_string(before.refused) + " of " + std::to_string(before.all());
  }

  // Where the clock was set back, what is noted of a time to come is asked and done anew.
  [[nodiscard]] DnsFact fact(const KeyEntry& key) const {
    const auto found = facts_.find(key.selector);
    if (found == facts_.end()) return {};
    DnsFact known = found->second;
    if (known.told > now_) known.told.reset();
    if (known.checked > now_) known = {.checked = {}, .told = known.told};
    return known;
  }

  // Hand-written keysets say nothing of times: then the waits begin now.
  [[nodiscard]] WallTime since(const KeyEntry& key) const { return key.since().value_or(now_); }

  // Only when the DNS has been asked since the time was over.
  void offer_give_up(const KeyEntry& key, std::string reason) {
    const DnsFact known = fact(key);
    if (is_wrong(known.seen) && known.checked >= since(key) + policy_.give_up)
      offer(Step::give_up, key, now_, std::move(reason));
  }

  void offer_check(const KeyEntry& key, seconds pause) {
    offer(Step::check, key, fact(key).checked + pause, "look at the DNS");
  }

  // A publisher that was told is not told again at once.
  void offer_publication(const KeyEntry& key, Step step, std::string reason,
                         WallTime earliest = {}) {
    const auto told = fact(key).told;
    const WallTime at = told ? std::max(earliest, *told + policy_.republish) : earliest;
    offer(step, key, at, std::move(reason));
  }

  void offer_share(const KeyEntry& key, unsigned share, WallTime at, const std::string& reason) {
    offer_signing(Step::canary, key, at,
                  "canary, " + std::to_string(share) + " % of the mail: " + reason, share);
  }

  // What was proven before a wait may be gone after it.
  void offer_signing(Step step, const KeyEntry& key, WallTime at, std::string reason,
                     unsigned share = 0) {
    at = permitted(step, at);
    if (fact(key).checked + kOfNow >= at) return offer(step, key, at, std::move(reason), share);
    offer(Step::check, key, at, "proven anew before it signs");
  }

  /// The first moment from `at` on at which that may be done.
  [[nodiscard]] WallTime permitted(Step step, WallTime at) const {
    at = std::max(at, now_);
    return changes_something(step) ? quiet_until(policy_, at).value_or(at) : at;
  }

  void offer(Step step, const KeyEntry& key, WallTime at, std::string reason, unsigned share = 0) {
    at = permitted(step, at);
    if (at >= first_.at) return;
    first_ = {step, key.selector, key.state, algorithm_of(key), share, at, std::move(reason)};
  }

  const Domain& domain_;
  const KeySet& keys_;
  const DnsFacts& facts_;
  const RotationPolicy& policy_;
  const WallTime now_;
  const Tallies& tallies_;
  Due first_;
};

}  // namespace

bool is_wrong(RecordSeen seen) {
  return seen == RecordSeen::absent || seen == RecordSeen::revoked || seen == RecordSeen::other;
}

bool is_published_by_us(const RotationPolicy& policy, std::string_view selector) {
  return policy.selectors.empty() || is_among(policy.selectors, selector);
}

bool is_pending(const KeyEntry& key) {
  return key.state == generated || key.state == published || key.state == verified ||
         key.state == canary;
}

std::string_view name_of(Step step) {
  constexpr std::array<std::string_view, 12> kNames{"nothing",   "create", "publish", "confirm",
                                                    "check",     "verify", "canary",  "activate",
                                                    "fall_back", "revoke", "remove",  "give_up"};
  return kNames[static_cast<std::size_t>(step)];
}

Due next_due(const Domain& domain, const KeySet& keys, const DnsFacts& facts,
             const RotationPolicy& policy, WallTime now, const Tallies& tallies) {
  return Planner(domain, keys, facts, policy, now, tallies).plan();
}

std::optional<WallTime> rotation_time(const Domain& domain, const KeySet& keys, Algorithm algorithm,
                                      const RotationPolicy& policy) {
  const KeyEntry* key = active_key(keys, algorithm);
  if (key == nullptr) return std::nullopt;
  const auto began = key->first(active);
  if (!began) return std::nullopt;
  const auto span = static_cast<std::uint64_t>(policy.jitter.count()) + 1;
  const seconds extra(static_cast<seconds::rep>(hash_of(domain.text() + key->selector) % span));
  WallTime time = *began + policy.interval + extra;
  for (const KeyEntry& other : keys) {
    if (other.state != failed || algorithm_of(other) != algorithm) continue;
    if (const auto since = other.since()) time = std::max(time, *since + policy.retry);
  }
  return time;
}

std::optional<WallTime> next_rotation(const Domain& domain, const KeySet& keys,
                                      const RotationPolicy& policy) {
  std::optional<WallTime> first;
  for (const auto algorithm : {Algorithm::rsa, Algorithm::ed25519}) {
    const auto time = rotation_time(domain, keys, algorithm, policy);
    if (time) first = std::min(first.value_or(*time), *time);
  }
  return first ? quiet_until(policy, *first).value_or(*first) : first;
}

std::string what_bars_rotation(const KeySet& keys, const RotationPolicy& policy) {
  const auto& stable = policy.selectors;
  const bool all_sign = std::ranges::all_of(stable, [&](const std::string& selector) {
    const KeyEntry* key = find_same_name(keys, selector);
    return key != nullptr && key->state == active;
  });
  if (stable.empty() || !all_sign) return {};
  return "every selector that has a CNAME is of a key that signs: to rotate them takes " +
         std::to_string(stable.size() + 1) + " (rotation.selectors)";
}

const KeyEntry* successor_of(const KeySet& keys, Algorithm algorithm) {
  const auto found = std::ranges::find_if(
      keys, [&](const KeyEntry& key) { return is_pending(key) && algorithm_of(key) == algorithm; });
  return found == keys.end() ? nullptr : &*found;
}

const std::string* free_selector(const KeySet& keys, const std::vector<std::string>& selectors) {
  const auto found = std::ranges::find_if(selectors, [&](const std::string& selector) {
    const KeyEntry* key = find_same_name(keys, selector);
    return key == nullptr || key->state == deleted;
  });
  return found == selectors.end() ? nullptr : &*found;
}

const KeyEntry* active_key(const KeySet& keys, Algorithm algorithm) {
  const auto found = std::ranges::find_if(keys, [&](const KeyEntry& key) {
    return key.state == active && algorithm_of(key) == algorithm;
  });
  return found == keys.end() ? nullptr : &*found;
}

}  // namespace signet::keys
