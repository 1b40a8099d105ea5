// Rotator: does what next_due() says is due for one domain, and what an operator asks for.
//
// Every deed (publish, revoke, remove) comes before the move that notes it, so a crash repeats the
// deed. The DNS is asked and changed without the folder's lock; under it the state is read again,
// and nothing is noted that no longer fits. Blocks: for the pool. Any thread, one per domain.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>

#include "keys/canary_tally.hpp"
#include "keys/key_folder.hpp"
#include "keys/key_record.hpp"
#include "keys/life_cycle.hpp"
#include "keys/publisher.hpp"
#include "keys/record_proof.hpp"

namespace signet::keys {

class Rotator {
 public:
  struct Observers {
    std::function<void(const Domain&, const KeyEntry&, KeyState from)> moved;
    std::function<void(const Domain&, const std::string& selector, const DnsFact&)> mismatched;
    std::function<void(const Domain&, const Error&)> publisher_failed;
  };
  struct Options {
    StoreAccess store;
    RotationPolicy policy;
    std::optional<Domain> delegate_to = {};  ///< The zone behind policy.selectors.
    std::chrono::seconds ttl = std::chrono::hours(1);
    std::string by = "relay";
    CanaryTally* canaries = nullptr;  ///< Null: a canary stays one.
  };
  /// All outlive it.
  Rotator(Options options, Publisher& publisher, RecordProof& proof, const Clock& clock,
          Observers observers = {})
      : options_(std::move(options)),
        publisher_(publisher),
        proof_(proof),
        clock_(clock),
        observers_(std::move(observers)) {}

  struct Report {
    KeySet keys;
    DnsFacts facts;
    Tallies tallies;  ///< Of a key on trial and the one it is to replace.
    Due next;
    std::optional<WallTime> rotates_at;  ///< When a key is to be replaced; nothing: never.
    bool rotating = false;               ///< A successor is on its way.
    std::string barred = {};             ///< Why no rotation can ever begin; empty: one can.
  };
  /// Does what is due now, until the publisher fails. Without `may_begin` no new rotation is begun.
  /// Faults: not_found, store_read_only, key_unavailable.
  [[nodiscard]] Result<Report> advance(const Domain& domain, bool may_begin,
                                       std::chrono::seconds recheck = std::chrono::hours(1));
  /// Whatever advance() does ends after the step that it is at, a command of the publisher at once.
  void stop();
  /// What is due next; changes nothing.
  [[nodiscard]] Result<Report> look(const Domain& domain);

  // An operator's orders. Done already is done. Faults: not_found, key_state_wrong,
  // publisher_failed, store_read_only, key_unavailable.
  [[nodiscard]] Result<KeyEntry> begin(const Domain& domain, Algorithm algorithm);
  [[nodiscard]] Result<KeyEntry> publish(const Domain& domain, const std::string& selector);
  /// Proven in the DNS first, and not before answers without the record have expired since it was
  /// first seen at all name servers, unless `unproven`: the first sight is noted in the keyset, and
  /// refused.
  [[nodiscard]] Result<KeyEntry> activate(const Domain& domain, const std::string& selector,
                                          bool unproven);
  [[nodiscard]] Result<KeyEntry> retire(const Domain& domain, const std::string& selector);
  /// Stops signing first, then has the record emptied: blocks for policy.settle between the two. A
  /// key that never was published fails instead.
  [[nodiscard]] Result<KeyEntry> revoke(const Domain& domain, const std::string& selector);

  /// Where CNAMEs of a domain's stable selectors lead: name -> target; empty: it has none. Fault:
  /// key_unavailable.
  using Aliases = std::vector<std::pair<std::string, std::string>>;
  [[nodiscard]] Result<Aliases> aliases_of(const Domain& domain) const;

  /// False: whoever keeps the zone publishes that record, or takes it out. Fault: key_unavailable.
  [[nodiscard]] Result<bool> publishes(const Domain& domain, const std::string& selector) const;
  /// What the record of a key is to say: an empty p= from its revocation on. Fault: key_unavailable
  /// (the detail says why: no private half, or not the one of the keyset).
  [[nodiscard]] Result<std::string> record_of(const Domain& domain, const KeyEntry& key) const;

 private:
  /// The policy with the domain's own rules. Fault: key_unavailable.
  [[nodiscard]] Result<RotationPolicy> policy_for(const Domain& domain) const;
  [[nodiscard]] Report report(const Domain& domain, KeySet keys, const RotationPolicy& policy);
  using Change = std::function<Result<void>(KeySet&)>;
  [[nodiscard]] Result<void> perform(const Domain& domain, const Due& due);
  [[nodiscard]] Result<void> create(const Domain& domain, const Due& due);
  [[nodiscard]] Result<void> tell_publisher(const Domain& domain, const std::string& selector,
                                            std::optional<std::string> value);
  [[nodiscard]] Result<void> publish_record(const Domain& domain, const std::string& selector,
                                            std::optional<std::string> value);
  /// Of a key that is generated: a crash came between keyset and PEM.
  [[nodiscard]] Result<void> mend_missing_key(const Domain& domain, const std::string& selector);
  [[nodiscard]] Result<void> make_missing_key(KeyFolder& folder, KeySet& keys,
                                              const std::string& selector) const;
  void check(const Domain& domain, const std::string& selector);
  /// By what relays have read of the store.
  [[nodiscard]] bool may_still_sign(const KeyEntry& key) const;
  /// The longest TTL of another's record that was seen at the selector in the key's present life.
  [[nodiscard]] static std::chrono::seconds replaced_ttl(const KeyEntry& key);
  /// Asks before a key's record is first published. Why it is published, with what it replaces.
  [[nodiscard]] std::string reason_to_give(const Domain& domain, const std::string& selector,
                                           const std::string& record);
  /// How long caches may give answers from before the record was there.
  [[nodiscard]] std::chrono::seconds remembered(const KeyEntry& key, const Seen& seen) const;
  /// Fault: key_state_wrong (the DNS does not prove it, or not long enough).
  [[nodiscard]] Result<void> prove(const Domain& domain, const KeyEntry& key,
                                   const std::string& record);
  [[nodiscard]] Result<void> change(const Domain& domain, const Change& change);
  /// Nothing if an operator has moved the key since.
  [[nodiscard]] Result<void> change_if_due(const Domain& domain, const Due& due,
                                           const Change& change);
  [[nodiscard]] Result<void> move(const Domain& domain, const Due& due, KeyState to);
  [[nodiscard]] Result<void> move(const Domain& domain, const std::string& selector, KeyState to,
                                  const std::string& reason);
  [[nodiscard]] Result<KeyEntry> entry(const Domain& domain, const std::string& selector) const;
  [[nodiscard]] Note note(std::string reason) const {
    return {clock_.now(), std::move(reason), options_.by};
  }
  [[nodiscard]] DnsFacts facts_of(const Domain& domain);
  [[nodiscard]] Tallies tallies_of(const Domain& domain, const KeySet& keys);
  void tell(const Domain& domain, const KeySet& before, const KeySet& after);

  Options options_;
  Publisher& publisher_;
  RecordProof& proof_;
  const Clock& clock_;
  Observers observers_;
  std::atomic<bool> stops_ = false;
  std::mutex mutex_;
  std::map<Domain, DnsFacts> facts_;  // Of domains of the store; deleted keys leave it.
};

}  // namespace signet::keys
