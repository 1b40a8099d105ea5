// The few things every user of libevent in this folder needs: owned events and its form of time.
//
// Included by .cpp files of net/ only; headers forward-declare `event`.
#pragma once

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/time.h>

#include <algorithm>
#include <chrono>

namespace signet::net {

/// Clamped to 0 .. 365 days: libevent adds it to the present without looking for an overflow.
[[nodiscard]] inline timeval to_timeval(std::chrono::microseconds duration) {
  using std::chrono::microseconds;
  const auto us =
      std::clamp(duration, microseconds(0), microseconds(std::chrono::hours(24 * 365))).count();
  return timeval{.tv_sec = us / 1'000'000, .tv_usec = us % 1'000'000};
}

}  // namespace signet::net
