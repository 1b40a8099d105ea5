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

std::optional<std::string> Health::reason() const {
  if (!is_broken_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return reason_;
}

}  // namespace signet::spool
