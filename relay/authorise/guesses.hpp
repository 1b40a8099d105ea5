// How many wrong passwords a network and an account may cost us: token buckets for both (CWE-307).
//
// An attempt takes from both before the password is looked at and gets back what it took when it
// was right, so attempts under way count too. Known and unknown accounts are treated alike. A
// network from which a user came in lately is not kept out by what others try on that account.
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
  [[nodiscard]] std::chrono::milliseconds failed(const IpAddress& from);

 private:
  struct Bucket {
    double spent = 0;
    SteadyTime seen;
    std::string last_user;  // Of a network: who came in from there.
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
};

}  // namespace signet::authorise
