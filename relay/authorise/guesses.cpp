#include "relay/authorise/guesses.hpp"

#include <algorithm>

namespace signet::authorise {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLongestName = 256;
constexpr double kFreeOfDelay = 3;
constexpr milliseconds kDelayStep{250};

/// An IPv6 host has a /64 to choose addresses from.
std::string network_of(const IpAddress& from) {
  return std::string(from.bytes().substr(0, from.is_v4() ? 4 : 8));
}

}  // namespace

Result<void> Guesses::take(const IpAddress& from, const std::string& user) {
  const std::scoped_lock lock(mutex_);
  const std::string name = user.substr(0, kLongestName);
  Bucket& network = refilled(networks_, network_of(from));
  Bucket& account = refilled(accounts_, name);
  const bool is_known_here = !network.last_user.empty() && network.last_user == name;
  if (network.spent + 1 > kBurst) return fail(Fault::auth_unavailable, "guesses of a network");
  if (!is_known_here && account.spent + 1 > kBurst) {
    return fail(Fault::auth_unavailable, "guesses at an account");
  }
  network.spent += 1;
  account.spent = std::min(account.spent + 1, kBurst);
  return {};
}

void Guesses::succeeded(const IpAddress& from, const std::string& user) {
  const std::scoped_lock lock(mutex_);
  const std::string name = user.substr(0, kLongestName);
  Bucket& network = refilled(networks_, network_of(from));
  Bucket& account = refilled(accounts_, name);
  network.spent = std::max(0.0, network.spent - 1);
  account.spent = std::max(0.0, account.spent - 1);
  network.last_user = name;
}

milliseconds Guesses::failed(const IpAddress& from) {
  const std::scoped_lock lock(mutex_);
  const double over = refilled(networks_, network_of(from)).spent - kFreeOfDelay;
  return over <= 0 ? milliseconds(0) : static_cast<int>(over) * kDelayStep;
}

Guesses::Bucket& Guesses::refilled(Table& table, const std::string& key) {
  if (table.buckets.size() >= kMostEntries && !table.buckets.contains(key)) make_room(table);
  const SteadyTime now = clock_.steady();
  Bucket& bucket = table.buckets.try_emplace(key, Bucket{0, now, {}}).first->second;
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
