// When to try again, and how much at once: plain functions and one shared table of leases. No I/O.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/settings.hpp"
#include "relay/base/clock.hpp"

namespace signet::schedule {

/// The next attempt after the `attempts`-th failed (1: the first): `queue.retries` in turn, then
/// its last step, and after 24 h in the queue `retry_later`. Up to 10 % of jitter by `random`,
/// later only. Never after `expires`: the last attempt is at `expires`.
[[nodiscard]] WallTime next_attempt(const config::QueueSettings& queue, std::uint32_t attempts,
                                    WallTime received, WallTime now, WallTime expires,
                                    std::uint64_t random);

/// When a message received now is given up.
[[nodiscard]] WallTime expiry(const config::QueueSettings& queue, bool null_sender,
                              WallTime received);

/// Counts connections per destination for all loops: a limit of 5 is 5. A lease is one connection.
class Leases {
  struct Entry {
    std::atomic<std::uint32_t> leases{0};
    std::atomic<std::uint32_t> wishes{0};
  };

 public:
  class Lease {
   public:
    Lease() = default;
    explicit Lease(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&& other) noexcept {
      std::swap(entry_, other.entry_);
      return *this;
    }
    ~Lease() {
      if (entry_) entry_->leases.fetch_sub(1);
    }
    explicit operator bool() const { return entry_ != nullptr; }
    /// Somebody without any connection to this destination waits for one.
    [[nodiscard]] bool is_wanted() const { return entry_ && entry_->wishes.load() > 0; }

   private:
    // Shared with the table: the entry may be dropped while the lease lives.
    std::shared_ptr<Entry> entry_;
  };
  /// While it lives, those who hold leases of a destination know that somebody has none.
  class Wish {
   public:
    explicit Wish(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {
      entry_->wishes.fetch_add(1);
    }
    Wish(Wish&&) noexcept = default;
    Wish& operator=(Wish&&) = delete;
    ~Wish() {
      if (entry_) entry_->wishes.fetch_sub(1);
    }

   private:
    std::shared_ptr<Entry> entry_;  // Shared with the table and with the leases.
  };

  Leases();
  /// An empty lease when `limit` connections to `destination` are out. Any thread.
  [[nodiscard]] Lease take(const std::string& destination, std::uint32_t limit);
  [[nodiscard]] Wish wish(const std::string& destination);
  [[nodiscard]] std::uint32_t in_use(const std::string& destination) const;
  /// Destinations in the table: at most twice those in use, and a constant.
  [[nodiscard]] std::size_t size() const;
  struct Use {
    std::string destination;
    std::uint32_t connections = 0;
    std::uint32_t waiting = 0;
  };
  /// Destinations with either, in no order. Holds the lock for short times only: what changes
  /// meanwhile may be missing, or there twice.
  [[nodiscard]] std::vector<Use> list() const;

 private:
  std::shared_ptr<Entry>& entry(const std::string& destination);
  void drop_idle();

  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Entry>> entries_;
  std::size_t drop_at_;
};

/// Back-off of a destination that does not answer: per destination, shared by all loops. Bounded:
/// beyond kMaxEntries destinations in back-off a further one is simply not held back.
class Backoff {
 public:
  static constexpr std::size_t kMaxEntries = 100'000;

  explicit Backoff(const Clock& clock) : clock_(clock) {}
  /// A connection attempt failed: 1 min, doubling to 30 min. Failures while the back-off runs (of
  /// connections that were already on their way) count as one. Forgotten an hour after its end.
  void failed(const std::string& destination);
  void succeeded(const std::string& destination);
  /// Not before this time; the epoch when it may be tried now.
  [[nodiscard]] SteadyTime not_before(const std::string& destination) const;
  [[nodiscard]] std::size_t size() const;
  struct Held {
    std::string destination;
    SteadyTime until;
    unsigned failures = 0;
  };
  /// Destinations in back-off now, in no order; as Leases::list().
  [[nodiscard]] std::vector<Held> list() const;

 private:
  struct Entry {
    SteadyTime until;
    unsigned failures = 0;
  };
  [[nodiscard]] bool has_room(SteadyTime now);

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
  SteadyTime next_sweep_{};
};

}  // namespace signet::schedule
