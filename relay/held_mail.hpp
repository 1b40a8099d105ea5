// HeldMail: how much is on hold, by reason for the gauges and by author domain for the limit.
//
// Told of each change by whoever has stored it; at start the spool is walked once, off the loops.
// Any thread.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "config/settings.hpp"
#include "monitoring/metrics.hpp"
#include "relay/spool/spool.hpp"

namespace signet {

class HeldMail {
 public:
  explicit HeldMail(monitoring::Metrics& metrics) : metrics_(metrics) {}

  /// The spool had the message on hold for the reason `before` and has for `after`; empty: not.
  void changed(const spool::Record& record, const std::string& before, const std::string& after);
  /// Fault: held_mail_full.
  [[nodiscard]] Result<void> check_room(const std::string& author_domain,
                                        const config::Limits& limits) const;
  /// Counts what a spool holds at start. Blocks.
  void load(const spool::Spool& spool);

 private:
  struct Amount {
    std::int64_t messages = 0;
    std::int64_t bytes = 0;
  };
  void count(const spool::Record& record, const std::string& reason, std::int64_t sign);

  monitoring::Metrics& metrics_;
  mutable std::mutex mutex_;
  std::map<std::string, Amount> by_domain_;        // Only domains with held mail.
  std::map<std::string, std::int64_t> by_reason_;  // "operator", "no_active_key": words of ours.
};

}  // namespace signet
