#include "relay/smtp/utf8.hpp"

#include <algorithm>

namespace signet::smtp {
namespace {

// The table of RFC 3629 4: how many octets a lead announces, and the range of the second one.
struct Lead {
  std::size_t size = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
};

Lead lead_of(unsigned char octet) {
  if (octet < 0x80) return {.size = 1};
  if (octet >= 0xc2 && octet <= 0xdf) return {.size = 2};
  if (octet == 0xe0) return {.size = 3, .low = 0xa0};
  if (octet == 0xed) return {.size = 3, .high = 0x9f};
  if (octet >= 0xe1 && octet <= 0xef) return {.size = 3};
  if (octet == 0xf0) return {.size = 4, .low = 0x90};
  if (octet == 0xf4) return {.size = 4, .high = 0x8f};
  if (octet >= 0xf1 && octet <= 0xf3) return {.size = 4};
  return {};
}

}  // namespace

std::size_t utf8_character(std::string_view text) {
  if (text.empty()) return 0;
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const Lead lead = lead_of(octet(0));
  if (lead.size < 2) return lead.size;
  if (text.size() < lead.size || octet(1) < lead.low || octet(1) > lead.high) return 0;
  for (std::size_t i = 2; i < lead.size; ++i) {
    if ((octet(i) & 0xc0U) != 0x80) return 0;
  }
  return lead.size;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = utf8_character(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

char32_t utf8_code_point(std::string_view character) {
  const auto octet = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(character[i]));
  };
  if (character.size() == 1) return octet(0);
  // The lead holds 7 - size bits of the point, every other octet six.
  char32_t point = octet(0) & (0x7fU >> character.size());
  for (std::size_t i = 1; i < character.size(); ++i) point = point << 6U | (octet(i) & 0x3fU);
  return point;
}

std::string encode_utf8(char32_t code_point) {
  constexpr char32_t kLast = 0x10ffff;
  if (code_point > kLast || (code_point >= 0xd800 && code_point <= 0xdfff)) return {};
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  std::string tail;
  char32_t room = 0x3f;  // The most that fits the lead.
  do {
    tail.insert(tail.begin(), static_cast<char>(0x80U | (code_point & 0x3fU)));
    code_point >>= 6U;
    room >>= 1U;
  } while (code_point > room);
  return static_cast<char>((~room << 1U & 0xffU) | code_point) + tail;
}

}  // namespace signet::smtp
