// How many wrong passwords a network and an account may cost us: token buckets for both (CWE-307).
//
// A network is an IPv4 /24 or an IPv6 /64. An attempt takes from both buckets before the password
// is looked at and gets back what it took when it was right, so attempts under way count too. Known
// and unknown accounts are treated alike. Who came in lately from the very same address has a
// bucket of its own: neither its neighbours nor what others try on its account keep it out.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>

#include "relay/base/clock.hpp"
#include "relay/base/ip_address.hpp"
#include "relay/base/result.hpp"

namespace signet::authorise {

class Guesses {
 public:
  static constexpr double kBurst = 20;                   ///< Wrong passwords in a row.
  static constexpr std::chrono::seconds kRefill{30};     ///< For one more.
  static constexpr std::size_t kMostEntries = 1U << 16;  ///< Of each table.

  explicit Guesses(const Clock& clock) : clock_(clock) {}  ///< The clock outlives it.
  Guesses(const Guesses&) = delete;
  Guesses& operator=(const Guesses&) = delete;

  /// Before each attempt. Fault: auth_unavailable. What is granted ends with succeeded() or
  /// failed(), or is lost like a wrong one.
  [[nodiscard]] Result<void> take(const IpAddress& from, const std::string& user);
  void succeeded(const IpAddress& from, const std::string& user);
  /// How long the answer should wait: nothing at first, then longer.
  [[nodiscard]] std::chrono::milliseconds failed(const IpAddress& from, const std::string& user);

 private:
  struct Bucket {
    double spent = 0;
    SteadyTime seen;
  };
  struct Table {
    std::unordered_map<std::string, Bucket> buckets;
    SteadyTime swept;  // Looking at them all is for once in a while.
  };
  Bucket& refilled(Table& table, const std::string& key);
  void make_room(Table& table);

  const Clock& clock_;
  std::mutex mutex_;
  Table networks_;
  Table accounts_;
  Table known_;  // By address and account: those that were right before.
};

}  // namespace signet::authorise
