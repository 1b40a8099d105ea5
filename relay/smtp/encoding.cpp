// xtext and base64, the two encodings of SMTP commands.
#include <array>
#include <cstdint>

#include "relay/smtp/characters.hpp"
#include "relay/smtp/command.hpp"

namespace signet::smtp {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNone = 0xff;

constexpr std::array<std::uint8_t, 256> kBase64Values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < kBase64.size(); ++i)
    values[static_cast<unsigned char>(kBase64[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

std::uint32_t octet(char c) { return static_cast<unsigned char>(c); }

bool is_xchar(char c) { return c > ' ' && c <= '~' && c != '+' && c != '='; }

}  // namespace

std::string encode_xtext(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (is_xchar(c)) {
      out += c;
    } else {
      out += '+';
      out += kHex[octet(c) >> 4U];
      out += kHex[octet(c) & 15U];
    }
  }
  return out;
}

Result<std::string> decode_xtext(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_xchar(text[i])) {
      out += text[i];
      continue;
    }
    const std::size_t high = i + 1 < text.size() ? kHex.find(text[i + 1]) : std::string_view::npos;
    const std::size_t low = i + 2 < text.size() ? kHex.find(text[i + 2]) : std::string_view::npos;
    if (text[i] != '+' || high == std::string_view::npos || low == std::string_view::npos)
      return fail(Fault::bad_parameter, "malformed xtext");
    out += static_cast<char>(high << 4U | low);
    i += 2;
  }
  return out;
}

std::string encode_base64(std::string_view octets) {
  std::string out;
  out.reserve((octets.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    const std::size_t rest = octets.size() - i;
    const std::uint32_t group = octet(octets[i]) << 16U |
                                (rest > 1 ? octet(octets[i + 1]) << 8U : 0U) |
                                (rest > 2 ? octet(octets[i + 2]) : 0U);
    out += kBase64[group >> 18U];
    out += kBase64[group >> 12U & 63U];
    out += rest > 1 ? kBase64[group >> 6U & 63U] : '=';
    out += rest > 2 ? kBase64[group & 63U] : '=';
  }
  return out;
}

Result<std::string> decode_base64(std::string_view text) {
  const Failure malformed = fail(Fault::bad_parameter, "malformed base64");
  if (text.size() % 4 != 0) return malformed;
  std::size_t padding = 0;
  while (padding < 2 && text.ends_with('=')) {
    text.remove_suffix(1);
    ++padding;
  }
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  std::size_t count = 0;
  for (const char c : text) {
    const std::uint8_t value = kBase64Values[static_cast<unsigned char>(c)];
    if (value == kNone) return malformed;
    bits = bits << 6U | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 255U);
    }
  }
  // The bits that fill up the last character must be zero (RFC 4648 3.5).
  if ((bits & ((1U << count) - 1U)) != 0) return malformed;
  return out;
}

}  // namespace signet::smtp
