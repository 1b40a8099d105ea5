// utf-8-addr-xtext and utf-8-addr-unitext of RFC 6533 3.
#include <array>
#include <charconv>
#include <cstdint>

#include "relay/smtp/characters.hpp"
#include "relay/smtp/command.hpp"
#include "relay/smtp/utf8.hpp"

namespace signet::smtp {
namespace {

constexpr std::size_t kMaxHexPoint = 6;

bool is_quchar(char c) { return c > ' ' && c <= '~' && c != '+' && c != '=' && c != '\\'; }

void append_escaped(std::string& out, char32_t point) {
  std::array<char, kMaxHexPoint> hex{};
  const auto [end, error] =
      std::to_chars(hex.data(), hex.data() + hex.size(), static_cast<std::uint32_t>(point), 16);
  const std::string digits = to_upper({hex.data(), static_cast<std::size_t>(end - hex.data())});
  out.append(digits.size() < 2 ? "\\x{0" : "\\x{").append(digits).append("}");
}

// The character of "\x{HEX}" at the start of `text`, as UTF-8; `used` octets of it. Empty: none.
std::string unescape(std::string_view text, std::size_t& used) {
  const std::size_t close = text.find('}');
  if (!text.starts_with("\\x{") || close == std::string_view::npos) return {};
  const std::string_view digits = text.substr(3, close - 3);
  if (digits.size() < 2 || digits.size() > kMaxHexPoint) return {};
  std::uint32_t point = 0;
  const auto [stop, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), point, 16);
  if (error != std::errc{} || stop != digits.data() + digits.size()) return {};
  used = close + 1;
  std::string character = encode_utf8(point);
  return character.size() == 1 && is_control(character[0]) ? std::string{} : character;
}

}  // namespace

std::string encode_utf8_address(std::string_view address) {
  std::string out;
  while (!address.empty()) {
    const std::size_t size = utf8_character(address);
    if (size == 1 && is_quchar(address[0])) {
      out += address[0];
    } else {
      append_escaped(out, size == 0 ? U'\uFFFD' : utf8_code_point(address.substr(0, size)));
    }
    address.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

Result<std::string> decode_utf8_address(std::string_view text, bool raw) {
  const Failure malformed = fail(Fault::bad_parameter, "malformed utf-8 address");
  std::string address;
  while (!text.empty()) {
    std::size_t used = utf8_character(text);
    if (used == 1 && is_quchar(text[0])) {
      address += text[0];
    } else if (used > 1 && raw) {
      address += text.substr(0, used);
    } else {
      const std::string character = unescape(text, used);
      if (character.empty()) return malformed;
      address += character;
    }
    text.remove_prefix(used);
  }
  if (address.empty()) return malformed;
  return address;
}

}  // namespace signet::smtp
