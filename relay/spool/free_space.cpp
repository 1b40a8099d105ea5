#include "relay/spool/free_space.hpp"

#include <sys/statvfs.h>

namespace signet::spool {

FreeSpace::FreeSpace(std::filesystem::path directory, std::uint64_t min_bytes, double min_share,
                     const Clock& clock)
    : directory_(std::move(directory)),
      min_bytes_(min_bytes),
      min_share_(min_share),
      clock_(clock) {
  is_short_ = look();
}

bool FreeSpace::is_short() const {
  const SteadyTime now = clock_.steady();
  SteadyTime::rep due = next_look_;
  const SteadyTime::rep next = (now + std::chrono::seconds(1)).time_since_epoch().count();
  // Whoever moves the time looks; the others take the last answer.
  if (now.time_since_epoch().count() >= due && next_look_.compare_exchange_strong(due, next)) {
    is_short_ = look();
  }
  return is_short_;
}

bool FreeSpace::look() const {
  struct statvfs figures{};
  if (::statvfs(directory_.c_str(), &figures) != 0) return true;
  free_ = std::uint64_t{figures.f_bavail} * figures.f_frsize;
  all_ = std::uint64_t{figures.f_blocks} * figures.f_frsize;
  const bool no_names = figures.f_files != 0 && figures.f_favail == 0;
  return no_names || free_ < min_bytes_ ||
         static_cast<double>(free_) < static_cast<double>(all_) * min_share_;
}

std::uint64_t FreeSpace::free_now() const {
  is_short_ = look();
  return free_;
}

}  // namespace signet::spool
