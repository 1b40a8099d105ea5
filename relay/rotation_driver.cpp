#include "relay/rotation_driver.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "relay/key_json.hpp"

namespace signet {
namespace {

constexpr unsigned kThreads = 4;
constexpr std::chrono::seconds kInUse = std::chrono::hours(24);
constexpr std::chrono::seconds kRecheckUsed = std::chrono::hours(1);
constexpr std::chrono::seconds kRecheckUnused = std::chrono::hours(24);
constexpr std::chrono::seconds kJoinPoll{1};
constexpr std::chrono::seconds kStuck = std::chrono::hours(24);

void keep_earlier(std::optional<WallTime>& kept, const std::optional<WallTime>& other) {
  if (other) kept = std::min(kept.value_or(*other), *other);
}

std::int64_t in_seconds(const std::optional<WallTime>& time) {
  return time ? unix_seconds(*time) : 0;
}

}  // namespace

RotationDriver::RotationDriver(Services& services, net::Loop& loop)
    : services_(services),
      loop_(loop),
      look_every_(services.current.get()->settings->rotation.look_every),
      at_once_(services.current.get()->settings->rotation.at_once),
      stuck_after_(std::min<std::chrono::seconds>(
          kStuck, services.current.get()->settings->rotation.interval / 20)),
      parts_(*services.current.get()->settings, "relay", &services.canaries),
      rotator_(parts_.options, *parts_.publisher, parts_.proof, services.clock, observers()),
      walked_(loop),
      pool_(kThreads) {}

keys::Rotator::Observers RotationDriver::observers() {
  return {.moved =
              [this](const Domain& domain, const keys::KeyEntry& key, keys::KeyState from) {
                services_.metrics.key_moved(name_of(key.state));
                services_.log.write(key_fact(domain, key, from, services_.clock.now()));
              },
          .mismatched =
              [this](const Domain& domain, const std::string& selector, const keys::DnsFact& fact) {
                spdlog::error("the DNS does not hold the active key {} of {}: {}", selector,
                              domain.text(), fact.detail);
                services_.log.write(report::Fact("key_mismatch", services_.clock.now())
                                        .with("domain", domain.text())
                                        .with("selector", selector)
                                        .with("detail", fact.detail));
              },
          .publisher_failed =
              [this](const Domain& domain, const Error& error) {
                services_.metrics.publisher_failed();
                spdlog::warn("publishing for {} failed, it is tried again: {}", domain.text(),
                             error.detail);
              }};
}

net::Task<void> RotationDriver::run() {
  for (;;) {
    auto listed = co_await net::run_on(pool_, loop_,
                                       [&domains = services_.domains] { return domains.list(); });
    if (listed) {
      census_ = {};
      const auto is_gone = [&](const Domain& domain) {
        return !std::ranges::binary_search(*listed, domain);
      };
      std::erase_if(rotating_, is_gone);
      std::erase_if(stuck_, is_gone);
      std::erase_if(waits_, [&](const auto& entry) { return is_gone(entry.first); });
      may_begin_ = turns_.take(at_once_ - std::min(at_once_, rotating_.size()));
      walk_ = {std::move(*listed), 0, kThreads};
      for (unsigned i = 0; i < kThreads; ++i) scope_.spawn(walk(walk_));
      while (walk_.walkers > 0) static_cast<void>(co_await walked_.wait(kJoinPoll));
      tell_gauges();
    } else {
      spdlog::error("rotation: {}", listed.error().detail);
    }
    co_await loop_.sleep(look_every_);
  }
}

net::Task<void> RotationDriver::walk(Walk& walk) {
  while (walk.next < walk.domains.size()) {
    const Domain domain = walk.domains[walk.next++];
    const bool may_begin = may_begin_.contains(domain) || rotating_.contains(domain);
    const auto recheck =
        services_.domains.used_within(domain, kInUse) ? kRecheckUsed : kRecheckUnused;
    const auto report =
        co_await net::run_on(pool_, loop_, [&rotator = rotator_, domain, may_begin, recheck] {
          return rotator.advance(domain, may_begin, recheck);
        });
    if (report) {
      count(domain, *report);
      continue;
    }
    rotating_.erase(domain);  // What is broken must not keep others waiting.
    if (report.error().fault != Fault::not_found) {
      spdlog::warn("rotation of {}: {}", domain.text(), report.error().detail);
    }
  }
  --walk.walkers;
  walked_.notify_all();
}

void RotationDriver::count(const Domain& domain, const keys::Rotator::Report& report) {
  rotating_.erase(domain);
  stuck_.erase(domain);
  if (report.rotating)
    (is_moving(report) ? rotating_ : stuck_).insert(domain);
  else if (report.next.step == keys::Step::create && report.next.at <= services_.clock.now())
    turns_.add(domain);
  tell_wait(domain, report);
  tell_domain_gauges(domain, report);
  for (const keys::KeyEntry& key : report.keys) {
    ++census_.keys[static_cast<std::size_t>(key.state)];
    if (key.state != keys::KeyState::active) continue;
    const auto began = key.first(keys::KeyState::active);
    keep_earlier(census_.oldest_active, began);
    const auto fact = report.facts.find(key.selector);
    if (fact == report.facts.end()) continue;
    if (is_wrong(fact->second.seen)) ++census_.mismatches;
    const auto proven =
        fact->second.seen == keys::RecordSeen::ours ? std::optional(fact->second.checked) : began;
    keep_earlier(census_.least_proven, proven);
  }
  keep_earlier(census_.next_rotation, report.rotates_at);
}

// One that no publisher, name server or receiver lets go on must not keep others waiting.
bool RotationDriver::is_moving(const keys::Rotator::Report& report) const {
  const WallTime now = services_.clock.now();
  return std::ranges::any_of(report.keys, [&](const keys::KeyEntry& key) {
    return is_pending(key) && key.since().value_or(now) + stuck_after_ >= now;
  });
}

// Once for each reason.
void RotationDriver::tell_wait(const Domain& domain, const keys::Rotator::Report& report) {
  std::string why = report.barred;
  for (const keys::KeyEntry& key : report.keys) {
    const auto fact = report.facts.find(key.selector);
    if (!is_pending(key) || fact == report.facts.end() || fact->second.detail.empty()) continue;
    why = key.selector + " is " + std::string(name_of(key.state)) + "; " + fact->second.detail;
  }
  if (why.empty()) {
    waits_.erase(domain);
    return;
  }
  std::string& told = waits_[domain];
  const auto level = why == report.barred ? spdlog::level::warn : spdlog::level::info;
  if (told != why) spdlog::log(level, "the rotation of {} waits: {}", domain.text(), why);
  told = std::move(why);
}

void RotationDriver::tell_domain_gauges(const Domain& domain, const keys::Rotator::Report& report) {
  std::array<std::int64_t, keys::kKeyStates> states{};
  for (const keys::KeyEntry& key : report.keys) ++states[static_cast<std::size_t>(key.state)];
  for (std::size_t state = 0; state < keys::kKeyStates; ++state)
    services_.metrics.domain_keys(domain.text(), name_of(static_cast<keys::KeyState>(state)),
                                  states[state]);
  services_.metrics.domain_key_rotation(domain.text(), in_seconds(report.rotates_at));
}

void RotationDriver::tell_gauges() {
  for (std::size_t state = 0; state < keys::kKeyStates; ++state)
    services_.metrics.keys(name_of(static_cast<keys::KeyState>(state)), census_.keys[state]);
  services_.metrics.key_census(census_.mismatches, in_seconds(census_.oldest_active),
                               in_seconds(census_.least_proven), in_seconds(census_.next_rotation));
}

}  // namespace signet
