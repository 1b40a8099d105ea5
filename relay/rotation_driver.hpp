// RotationDriver: walks the store and has done for each domain what is due (keys/rotator.hpp).
//
// Its own threads: DNS that does not answer must not keep the pool from reading the spool. Runs
// only where [rotation] names a publisher.
#pragma once

#include <map>
#include <set>

#include "relay/rotation_parts.hpp"
#include "relay/rotation_turns.hpp"
#include "relay/services.hpp"

namespace signet {

class RotationDriver {
 public:
  /// `services` and `loop` outlive it; it is destroyed on the loop's thread, or when that has
  /// ended.
  RotationDriver(Services& services, net::Loop& loop);
  ~RotationDriver() {
    rotator_.stop();
    scope_.clear();
  }
  void start() { scope_.spawn(run()); }

 private:
  /// What one walk found, for the gauges.
  struct Census {
    std::array<std::int64_t, keys::kKeyStates> keys{};
    std::int64_t mismatches = 0;
    std::optional<WallTime> oldest_active;
    std::optional<WallTime> least_proven;
    std::optional<WallTime> next_rotation;
  };
  struct Walk {
    std::vector<Domain> domains;
    std::size_t next = 0;
    unsigned walkers = 0;
  };
  net::Task<void> run();
  net::Task<void> walk(Walk& walk);
  void count(const Domain& domain, const keys::Rotator::Report& report);
  [[nodiscard]] bool is_moving(const keys::Rotator::Report& report) const;
  void tell_wait(const Domain& domain, const keys::Rotator::Report& report);
  void tell_domain_gauges(const Domain& domain, const keys::Rotator::Report& report);
  void tell_gauges();
  [[nodiscard]] keys::Rotator::Observers observers();

  Services& services_;
  net::Loop& loop_;
  std::chrono::seconds look_every_;
  std::size_t at_once_;
  std::chrono::seconds stuck_after_;
  RotationParts parts_;
  keys::Rotator rotator_;
  net::Event walked_;
  Walk walk_;
  Census census_;
  std::set<Domain> rotating_;            // At most at_once and what was begun by hand.
  std::set<Domain> stuck_;               // Rotating, but not moving: they keep no other waiting.
  std::map<Domain, std::string> waits_;  // What was said of those that wait.
  RotationTurns turns_;                  // Of those that the last walk found due.
  std::set<Domain> may_begin_;           // On this walk.
  net::TaskScope scope_;
  net::BlockingPool pool_;  // Last: its threads end before what they use.
};

}  // namespace signet
