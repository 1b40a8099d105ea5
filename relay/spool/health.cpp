#include "relay/spool/health.hpp"

#include <spdlog/spdlog.h>

namespace signet::spool {

void Health::break_down(const std::string& reason) {
  const std::lock_guard lock(mutex_);
  if (is_broken_) return;
  reason_ = reason;
  is_broken_ = true;
  spdlog::critical("the spool takes nothing more until the relay is started anew: {}", reason);
}

void Health::run_out_of_room(const std::string& reason) {
  if (needs_reopening_.exchange(true) || is_broken_) return;
  spdlog::critical("the disk of the spool is full: nothing is taken until it has room: {}", reason);
}

void Health::reopened() {
  trouble_ = false;
  is_suspended_ = false;
  needs_reopening_ = false;
  spdlog::warn("the disk of the spool has room again: mail is taken");
}

std::optional<std::string> Health::reason() const {
  if (!is_broken_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return reason_;
}

}  // namespace signet::spool
