// The line limit of RFC 5322 2.1.1.
#pragma once

#include <algorithm>
#include <string_view>

namespace signet::parse {

constexpr std::size_t kMaxLine = 998;  ///< Octets without CRLF.

[[nodiscard]] inline bool has_long_line(std::string_view text) {
  while (text.size() > kMaxLine) {
    const std::size_t lf = text.find('\n');
    const std::size_t end = std::min(lf, text.size());
    const bool has_cr = end > 0 && end < text.size() && text[end - 1] == '\r';
    if (end - (has_cr ? 1 : 0) > kMaxLine) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

}  // namespace signet::parse
