// Whether the disk is short: asked for each message, looked up at most once a second.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

#include "relay/base/clock.hpp"

namespace signet::spool {

struct Room {              ///< Octets of a file system.
  std::uint64_t free = 0;  ///< What is left for others than root.
  std::uint64_t all = 0;
};

class FreeSpace {
 public:
  /// Short below `min_bytes`, or below `min_share` of the file system. `clock` outlives this.
  FreeSpace(std::filesystem::path directory, std::uint64_t min_bytes, double min_share,
            const Clock& clock);
  /// From any thread. A file system that can't be asked counts as short.
  [[nodiscard]] bool is_short() const;
  /// As it was at the last look; it asks for none.
  [[nodiscard]] Room room() const { return {free_, all_}; }
  /// Looks now: for whoever is about to write much.
  [[nodiscard]] std::uint64_t free_now() const;

 private:
  [[nodiscard]] bool look() const;

  std::filesystem::path directory_;
  std::uint64_t min_bytes_;
  double min_share_;
  const Clock& clock_;
  mutable std::atomic<SteadyTime::rep> next_look_ = SteadyTime::min().time_since_epoch().count();
  mutable std::atomic<bool> is_short_ = false;
  mutable std::atomic<std::uint64_t> free_ = 0;
  mutable std::atomic<std::uint64_t> all_ = 0;
};

}  // namespace signet::spool
