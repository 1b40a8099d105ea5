// What the pipeline's stages work with: made once by main's wiring, used by every loop.
//
// Plain references; the owner (Relay) outlives every loop. No behaviour here but the settings box,
// the memory budget and the registry of messages in memory.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_set>

#include "config/settings.hpp"
#include "keys/canary_tally.hpp"
#include "keys/domain_store.hpp"
#include "monitoring/metrics.hpp"
#include "relay/admin/tokens.hpp"
#include "relay/align/public_suffix.hpp"
#include "relay/authorise/authoriser.hpp"
#include "relay/base/clock_watch.hpp"
#include "relay/held_mail.hpp"
#include "relay/net/resolver.hpp"
#include "relay/net/tls.hpp"
#include "relay/recent_mail.hpp"
#include "relay/reload_history.hpp"
#include "relay/report/delivery_log.hpp"
#include "relay/report/webhook.hpp"
#include "relay/route/router.hpp"
#include "relay/schedule/schedule.hpp"
#include "relay/spool/spool.hpp"
#include "relay/suspensions.hpp"

namespace signet {

/// One generation of the configuration. Immutable; sessions and deliveries keep theirs to the end.
struct Snapshot {
  std::shared_ptr<const config::Settings> settings;
  std::shared_ptr<const net::ServerTls> server_tls;  ///< Null: no certificate configured.
  std::shared_ptr<const net::ClientTls> client_tls;
  std::shared_ptr<const admin::Tokens> admin_tokens;               ///< Null: none configured.
  std::shared_ptr<const report::WebhookTarget> webhook = nullptr;  ///< Null: none configured.
};

/// The generation in force. Any thread.
class CurrentSnapshot {
 public:
  explicit CurrentSnapshot(Snapshot first)
      : snapshot_(std::make_shared<const Snapshot>(std::move(first))) {}
  [[nodiscard]] std::shared_ptr<const Snapshot> get() const {
    const std::lock_guard lock(mutex_);
    return snapshot_;
  }
  void set(Snapshot next) {
    auto fresh = std::make_shared<const Snapshot>(std::move(next));
    const std::lock_guard lock(mutex_);
    snapshot_.swap(fresh);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Snapshot> snapshot_;  // Shared with every session that began under it.
};

/// Octets that messages in reception may hold in memory, all together.
class MemoryBudget {
 public:
  [[nodiscard]] bool take(std::uint64_t octets, std::uint64_t limit) {
    if (used_.fetch_add(octets) + octets <= limit) return true;
    used_.fetch_sub(octets);
    return false;
  }
  void give_back(std::uint64_t octets) { used_.fetch_sub(octets); }
  [[nodiscard]] std::uint64_t used() const { return used_.load(); }

 private:
  std::atomic<std::uint64_t> used_{0};
};

/// What one message holds of the budget; given back when it goes.
class MemoryShare {
 public:
  MemoryShare(MemoryBudget& budget, std::uint64_t limit) : budget_(budget), limit_(limit) {}
  MemoryShare(const MemoryShare&) = delete;
  MemoryShare& operator=(const MemoryShare&) = delete;
  ~MemoryShare() { budget_.give_back(held_); }
  /// False if the budget is used up; nothing is taken then.
  [[nodiscard]] bool grow_to(std::uint64_t octets) {
    if (octets <= held_) return true;
    if (!budget_.take(octets - held_, limit_)) return false;
    held_ = octets;
    return true;
  }
  void drop() {
    budget_.give_back(held_);
    held_ = 0;
  }

 private:
  MemoryBudget& budget_;
  std::uint64_t limit_;
  std::uint64_t held_ = 0;
};

/// Ids of the messages some loop has in memory: the queue scanner leaves these alone. Any thread.
class InMemory {
 public:
  /// False if it was there already.
  bool insert(QueueId id) {
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    return shard.ids.insert(id).second;
  }
  void erase(QueueId id) {
    Shard& shard = shard_of(id);
    const std::lock_guard lock(shard.mutex);
    shard.ids.erase(id);
  }
  [[nodiscard]] bool contains(QueueId id) const {
    const Shard& shard = shards_[index_of(id)];
    const std::lock_guard lock(shard.mutex);
    return shard.ids.contains(id);
  }

 private:
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_set<QueueId> ids;
  };
  static constexpr std::size_t kShards = 16;
  static std::size_t index_of(QueueId id) { return std::hash<QueueId>{}(id) % kShards; }
  Shard& shard_of(QueueId id) { return shards_[index_of(id)]; }
  std::array<Shard, kShards> shards_;
};

[[nodiscard]] inline keys::Profile default_profile(const config::SigningDefaults& signing) {
  return signing.profile == config::SigningDefaults::Profile::bulk ? keys::Profile::bulk
                                                                   : keys::Profile::standard;
}

struct Services {
  const Clock& clock;
  monitoring::Metrics& metrics;
  Executor& pool;       ///< Threads that may block.
  Executor& passwords;  ///< A thread for crypt(3): guesses must not crowd out the spool.
  keys::DomainStore& domains;
  spool::Spool& spool;
  report::DeliveryLog& log;
  route::Router& router;
  authorise::Quotas& quotas;
  schedule::Leases& leases;
  schedule::Backoff& backoff;
  QueueIdSource& ids;
  MemoryBudget& memory;
  InMemory& in_memory;
  HeldMail& held_mail;
  CurrentSnapshot& current;
  net::Resolver& resolver;
  const align::PublicSuffixes& suffixes;
  const ClockWatch& clock_watch;
  Suspensions& suspensions;
  ReloadHistory& reloads;
  keys::CanaryTally& canaries;
  RecentMail& recent_mail;
};

}  // namespace signet
