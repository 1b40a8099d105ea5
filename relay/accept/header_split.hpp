// Splits decoded message octets at the first empty line into header block and body.
//
// Pure. The block is gathered up to a cap; the body only passes through. RFC 5322 2.1.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace signet::accept {

class HeaderSplit {
 public:
  explicit HeaderSplit(std::size_t most_header_octets) : most_(most_header_octets) {}

  /// Takes the next slice; what of it belongs to the body. Any cut gives the same result.
  [[nodiscard]] std::string_view feed(std::string_view slice);
  /// The empty line was seen.
  [[nodiscard]] bool is_complete() const { return complete_; }
  /// More header octets than allowed: nothing is gathered any more.
  [[nodiscard]] bool is_too_big() const { return too_big_; }
  /// The block, fields with CRLF, without the empty line. Call once.
  [[nodiscard]] std::string take_block() { return std::move(block_); }

 private:
  std::size_t most_;
  std::string block_;
  bool complete_ = false;
  bool too_big_ = false;
};

}  // namespace signet::accept
