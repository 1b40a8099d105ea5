// The least rate at which a client must send mail data: a trickle holds a connection for ever.
#pragma once

#include <chrono>
#include <cstdint>

namespace signet::accept {

class Pace {
 public:
  static constexpr std::chrono::seconds kWindow{60};

  explicit Pace(std::uint32_t least_bytes_per_second) : least_(least_bytes_per_second) {}
  /// `bytes` came after waiting `waited`; only time spent waiting for the client counts. False when
  /// a whole window brought too little.
  [[nodiscard]] bool keeps_up(std::uint64_t bytes, std::chrono::steady_clock::duration waited) {
    bytes_ += bytes;
    waited_ += waited;
    if (waited_ < kWindow) return true;
    const std::chrono::duration<double> waited_seconds = waited_;
    const bool is_enough = static_cast<double>(bytes_) >= least_ * waited_seconds.count();
    bytes_ = 0;
    waited_ = {};
    return is_enough;
  }

 private:
  std::uint32_t least_;
  std::uint64_t bytes_ = 0;
  std::chrono::steady_clock::duration waited_{};
};

}  // namespace signet::accept
