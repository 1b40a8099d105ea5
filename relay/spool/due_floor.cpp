#include "relay/spool/due_floor.hpp"

#include "relay/spool/layout.hpp"

namespace signet::spool {
namespace {

Entry earlier(const Entry& a, const Entry& b) { return is_before(a, b) ? a : b; }

}  // namespace

void DueFloor::writing(Entry lowest) {
  const std::lock_guard lock(mutex_);
  floor_ = earlier(floor_, lowest);
  writing_ = lowest;
  written_during_scan_ = earlier(written_during_scan_, lowest);
}

void DueFloor::written() {
  const std::lock_guard lock(mutex_);
  writing_ = kLast;
}

Entry DueFloor::begin_scan() {
  const std::lock_guard lock(mutex_);
  if (scans_++ == 0) written_during_scan_ = writing_;
  return floor_;
}

void DueFloor::end_scan(Entry first) {
  const std::lock_guard lock(mutex_);
  --scans_;
  const Entry proven = earlier(first, written_during_scan_);
  if (is_before(floor_, proven)) floor_ = proven;
}

void DueFloor::end_scan() {
  const std::lock_guard lock(mutex_);
  --scans_;
}

}  // namespace signet::spool
