#include "relay/base/clock_watch.hpp"

#include <sys/timex.h>

namespace signet {

using std::chrono::milliseconds;

std::optional<milliseconds> ClockWatch::look(const Clock& clock, bool is_synchronised,
                                             const Rules& rules) {
  const SteadyTime now = clock.steady();
  const auto offset = clock.now().time_since_epoch() -
                      std::chrono::duration_cast<milliseconds>(now.time_since_epoch());
  std::optional<milliseconds> step;
  if (offset_ && std::chrono::abs(offset - *offset_) > kMostStep) step = offset - *offset_;
  offset_ = offset;
  if (step) unsteady_until_ = now + rules.steady;
  steady_.store(now >= unsteady_until_ && (is_synchronised || !rules.require_sync),
                std::memory_order_relaxed);
  return step;
}

bool kernel_clock_is_synchronised() {
  timex state{};
  return adjtimex(&state) >= 0 && (state.status & STA_UNSYNC) == 0;
}

}  // namespace signet
