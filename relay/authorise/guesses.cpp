#include "relay/authorise/guesses.hpp"

#include <algorithm>

namespace signet::authorise {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLongestName = 256;
constexpr double kFreeOfDelay = 3;
constexpr milliseconds kDelayStep{250};

/// What one attacker has to choose addresses from: a /24, or the /64 of an IPv6 host.
std::string network_of(const IpAddress& from) {
  return std::string(from.bytes().substr(0, from.is_v4() ? 3 : 8));
}

std::string name_of(const std::string& user) { return user.substr(0, kLongestName); }

std::string key_of(const IpAddress& from, const std::string& user) {
  return std::string(from.bytes()) + name_of(user);
}

}  // namespace

Result<void> Guesses::take(const IpAddress& from, const std::string& user) {
  const std::scoped_lock lock(mutex_);
  const std::string key = key_of(from, user);
  if (known_.buckets.contains(key)) {
    Bucket& own = refilled(known_, key);
    if (own.spent + 1 > kBurst) return fail(Fault::auth_unavailable, "guesses of a known peer");
    own.spent += 1;
    return {};
  }
  Bucket& network = refilled(networks_, network_of(from));
  Bucket& account = refilled(accounts_, name_of(user));
  if (network.spent + 1 > kBurst) return fail(Fault::auth_unavailable, "guesses of a network");
  if (account.spent + 1 > kBurst) return fail(Fault::auth_unavailable, "guesses at an account");
  network.spent += 1;
  account.spent += 1;
  return {};
}

void Guesses::succeeded(const IpAddress& from, const std::string& user) {
  const std::scoped_lock lock(mutex_);
  const std::string key = key_of(from, user);
  const bool is_known = known_.buckets.contains(key);
  Bucket& own = refilled(known_, key);
  if (is_known) {
    own.spent = std::max(0.0, own.spent - 1);
    return;
  }
  Bucket& network = refilled(networks_, network_of(from));
  Bucket& account = refilled(accounts_, name_of(user));
  network.spent = std::max(0.0, network.spent - 1);
  account.spent = std::max(0.0, account.spent - 1);
}

milliseconds Guesses::failed(const IpAddress& from, const std::string& user) {
  const std::scoped_lock lock(mutex_);
  const std::string key = key_of(from, user);
  const Bucket& bucket =
      known_.buckets.contains(key) ? refilled(known_, key) : refilled(networks_, network_of(from));
  const double over = bucket.spent - kFreeOfDelay;
  return over <= 0 ? milliseconds(0) : static_cast<int>(over) * kDelayStep;
}

Guesses::Bucket& Guesses::refilled(Table& table, const std::string& key) {
  if (table.buckets.size() >= kMostEntries && !table.buckets.contains(key)) make_room(table);
  const SteadyTime now = clock_.steady();
  Bucket& bucket = table.buckets.try_emplace(key, Bucket{0, now}).first->second;
  const std::chrono::duration<double> since = now - bucket.seen;
  bucket.spent = std::max(0.0, bucket.spent - since / kRefill);
  bucket.seen = now;
  return bucket;
}

// What was left alone long enough is full again and says nothing; else anything goes.
void Guesses::make_room(Table& table) {
  const SteadyTime now = clock_.steady();
  if (now - table.swept > kRefill) {
    const SteadyTime forgotten = now - kRefill * static_cast<int>(kBurst);
    std::erase_if(table.buckets, [&](const auto& entry) { return entry.second.seen < forgotten; });
    table.swept = now;
  }
  if (table.buckets.size() >= kMostEntries) table.buckets.erase(table.buckets.begin());
}

}  // namespace signet::authorise
