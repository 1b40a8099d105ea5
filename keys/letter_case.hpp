// ASCII letters without their case: of DNS names (RFC 4343) and of keywords.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace signet::keys {

[[nodiscard]] constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] inline std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return lower(c); });
  return result;
}

}  // namespace signet::keys
