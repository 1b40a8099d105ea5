// The events that wait for a webhook: in order, bounded, with a note where some are missing.
//
// Safe from any thread. What a batch was made of stays until it is taken.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/clock.hpp"

namespace signet::report {

class EventBuffer {
 public:
  explicit EventBuffer(const Clock& clock) : clock_(clock) {}

  enum class Added { first, more, dropped };  ///< first: nothing waited before.
  /// `line` ends with LF, which is not kept. What would take the buffer over its limit is dropped.
  Added add(std::string_view line);
  /// A line that waited before, without LF: whatever the limit, and no note of what is missing.
  void restore(std::string line);
  void limit(std::uint64_t bytes);

  /// Copies of the first lines: at most `events`, and no more octets than `bytes` unless the first
  /// has more.
  [[nodiscard]] std::vector<std::string> first(std::size_t events, std::uint64_t bytes) const;
  /// The first `events` are taken.
  void taken(std::size_t events);
  /// The first can't be taken by anybody.
  void drop_first();
  /// Else the note of what was dropped comes with the next line that is added.
  void note_missing();

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::uint64_t bytes() const;
  [[nodiscard]] std::uint64_t dropped() const;
  /// Since when the first waits.
  [[nodiscard]] std::optional<SteadyTime> oldest() const;

 private:
  struct Waiting {
    std::string line;
    SteadyTime since;
  };
  void push_note();
  void push(std::string line);
  void pop();

  const Clock& clock_;
  mutable std::mutex mutex_;  ///< Guards all below.
  std::deque<Waiting> waiting_;
  std::uint64_t bytes_ = 0;
  std::uint64_t limit_ = std::uint64_t{64} << 20U;
  std::uint64_t dropped_ = 0;
  std::uint64_t unnoted_ = 0;  ///< Dropped since the last note of that.
};

}  // namespace signet::report
