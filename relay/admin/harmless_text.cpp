#include "relay/admin/harmless_text.hpp"

#include <algorithm>
#include <functional>

#include "relay/smtp/utf8.hpp"

namespace signet::admin {
namespace {

bool steers(char32_t c) {
  const auto is_within = [c](char32_t first, char32_t last) { return first <= c && c <= last; };
  return c < 0x20 || is_within(0x7F, 0x9F) || is_within(0x200E, 0x200F) ||
         is_within(0x2028, 0x202E) || is_within(0x2066, 0x2069);
}

/// Hears each character, and whether it is harmless.
void for_each(std::string_view text, const std::function<void(std::string_view, bool)>& hear) {
  while (!text.empty()) {
    const std::size_t size = smtp::utf8_character(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(size, 1));
    hear(character, size > 0 && !steers(smtp::utf8_code_point(character)));
    text.remove_prefix(character.size());
  }
}

}  // namespace

bool is_harmless(std::string_view text, bool has_lines) {
  bool is_so = true;
  for_each(text, [&](std::string_view character, bool harmless) {
    is_so = is_so && (harmless || (has_lines && (character == "\r" || character == "\n")));
  });
  return is_so;
}

std::string harmless(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for_each(text, [&](std::string_view character, bool is_so) {
    clean += is_so ? character : std::string_view("?");
  });
  return clean;
}

}  // namespace signet::admin
