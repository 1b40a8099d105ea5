// A cache of what was derived from DNS answers, for one loop: single flight, refreshed ahead of
// expiry, bounded, the least recently used goes first.
//
// Times to live are clamped to 30 s and a day (an answer with TTL 0 must not cost a question for
// each message, one with 2^31 must end). What could not be found out counts for the least time and
// never takes the place of an answer that still lives.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "relay/base/clock.hpp"
#include "relay/net/loop.hpp"

namespace signet::align {

enum class CacheEvent { hit, miss, refresh, evicted, refused };

constexpr std::chrono::seconds kLeastLife{30};
constexpr std::chrono::seconds kLongestLife{std::chrono::hours(24)};

template <typename Value>
class DerivedCache {
 public:
  using Shared = std::shared_ptr<const Value>;  // Shared with predictions under way.
  struct Made {
    Value value;
    std::chrono::seconds ttl{0};
    bool is_temporary = false;  ///< An error of the moment.
  };
  using Make = std::function<net::Task<Made>()>;
  struct Options {
    std::size_t capacity = 50000;
    std::size_t flights = 1000;  ///< Questions under way; beyond it nothing is asked.
    std::function<void(CacheEvent)> observer = {};
  };

  DerivedCache(net::Loop& loop, const Clock& clock, Options options)
      : loop_(loop), clock_(clock), options_(std::move(options)) {}
  DerivedCache(const DerivedCache&) = delete;
  DerivedCache& operator=(const DerivedCache&) = delete;
  ~DerivedCache() { scope_.clear(); }

  /// What is known, without waiting; null: nothing. Nearly expired, it is asked for anew by `make`
  /// (a function that gives a Make: only called when needed).
  template <typename MakeMake>
  [[nodiscard]] Shared find(std::string_view key, MakeMake make_make) {
    const auto found = index_.find(key);
    const SteadyTime now = clock_.steady();
    if (found == index_.end() || !found->second->value || now >= found->second->expires) {
      return nullptr;
    }
    Entry& entry = *found->second;
    entries_.splice(entries_.begin(), entries_, found->second);
    tell(CacheEvent::hit);
    if (now >= entry.refresh && !entry.flight) {
      tell(CacheEvent::refresh);
      fly(entry, make_make());
    }
    return entry.value;
  }
  /// The same without any effect.
  [[nodiscard]] Shared peek(std::string_view key) const {
    const auto found = index_.find(key);
    if (found == index_.end() || clock_.steady() >= found->second->expires) return nullptr;
    return found->second->value;
  }

  /// Begins to ask, unless somebody does already.
  void start(std::string key, Make make) {
    const auto found = index_.find(key);
    if (found != index_.end() && found->second->flight) return;
    if (flights_ >= options_.flights) return tell(CacheEvent::refused);
    tell(CacheEvent::miss);
    Entry& entry = found != index_.end() ? *found->second : add(std::move(key));
    fly(entry, std::move(make));
  }

  /// What was begun with start(), or null at the deadline. The question goes on for others.
  net::Task<Shared> wait(std::string key, SteadyTime deadline) {
    const auto found = index_.find(key);
    if (found == index_.end()) co_return nullptr;
    const std::shared_ptr<Flight> flight = found->second->flight;
    if (!flight) co_return peek(key);
    while (!flight->result) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock_.steady());
      if (left.count() <= 0) co_return nullptr;
      (void)co_await flight->landed.wait(left);
    }
    co_return flight->result;
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  void clear() { scope_.clear(); }

 private:
  struct Flight {
    explicit Flight(net::Loop& loop) : landed(loop) {}
    net::Event landed;
    Shared result;
  };
  struct Entry {
    std::string key;
    Shared value = {};
    SteadyTime expires = {};
    SteadyTime refresh = {};
    std::shared_ptr<Flight> flight = {};  // Shared with those who wait: the entry may go first.
  };
  using Entries = std::list<Entry>;

  void tell(CacheEvent event) const {
    if (options_.observer) options_.observer(event);
  }

  Entry& add(std::string&& key) {
    if (entries_.size() >= options_.capacity) {
      tell(CacheEvent::evicted);
      index_.erase(entries_.back().key);
      entries_.pop_back();
    }
    entries_.push_front(Entry{.key = std::move(key)});
    index_.emplace(entries_.front().key, entries_.begin());
    return entries_.front();
  }

  void fly(Entry& entry, Make make) {
    entry.flight = std::make_shared<Flight>(loop_);
    ++flights_;
    scope_.spawn(run(entry.key, entry.flight, std::move(make)));
  }

  net::Task<void> run(std::string key, std::shared_ptr<Flight> flight, Make make) {
    Made made = co_await make();
    --flights_;
    flight->result = std::make_shared<const Value>(std::move(made.value));
    land(key, *flight, made.ttl, made.is_temporary);
    flight->landed.notify_all();
  }

  void land(const std::string& key, const Flight& flight, std::chrono::seconds ttl,
            bool is_temporary) {
    const auto found = index_.find(key);
    if (found == index_.end() || found->second->flight.get() != &flight) return;
    Entry& entry = *found->second;
    entry.flight.reset();
    const SteadyTime now = clock_.steady();
    const auto life = is_temporary ? kLeastLife : std::clamp(ttl, kLeastLife, kLongestLife);
    if (is_temporary && entry.value && now < entry.expires) {
      entry.refresh = now + kLeastLife / 2;
      return;
    }
    entry.value = flight.result;
    entry.expires = now + life;
    entry.refresh = now + life - std::max<std::chrono::seconds>(life / 10, kLeastLife / 6);
  }

  net::Loop& loop_;
  const Clock& clock_;
  Options options_;
  Entries entries_;                                                         // Most recent first.
  std::unordered_map<std::string_view, typename Entries::iterator> index_;  // Keys: the entries'.
  std::size_t flights_ = 0;
  net::TaskScope scope_;  // Last: tasks die before what they refer to.
};

}  // namespace signet::align
