#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "relay/report/delivery_log.hpp"

namespace signet::report {
namespace {

/// Octets of the well-formed UTF-8 sequence `text` begins with (RFC 3629 4); 0: none.
std::size_t utf8_length(std::string_view text) {
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = octet(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(i) & 0xC0U) != 0x80) return 0;
  }
  const unsigned char second = octet(1);
  const bool is_overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool is_no_scalar = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  return is_overlong || is_no_scalar ? 0 : length;
}

/// RFC 8259 7. What is not UTF-8 becomes U+FFFD: a peer may have sent it.
void append_string(std::string& json, std::string_view text) {
  json += '"';
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const char c = text.front();
    if (length == 0) {
      json += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      (json += '\\') += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      json += escape.data();
    } else {
      json += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  json += '"';
}

/// RFC 3339 5.6, UTC, milliseconds.
std::string timestamp(WallTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const std::time_t seconds = std::chrono::system_clock::to_time_t(whole);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 24> date{};
  std::strftime(date.data(), date.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03dZ",
                static_cast<int>((time - whole).count() % 1000));
  return std::string(date.data()) + fraction.data();
}

void append_key(std::string& json, std::string_view key) {
  json += ',';
  append_string(json, key);
  json += ':';
}

}  // namespace

Fact::Fact(std::string_view event, WallTime now) {
  json_.reserve(256);
  json_ = "{\"schema\":" + std::to_string(kSchema) + R"(,"time":)";
  append_string(json_, timestamp(now));
  append_key(json_, "event");
  append_string(json_, event);
}

Fact&& Fact::with(std::string_view key, std::string_view value) && {
  append_key(json_, key);
  append_string(json_, value);
  return std::move(*this);
}

Fact&& Fact::with(std::string_view key, std::int64_t value) && {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  append_key(json_, key);
  json_.append(digits.data(), end);
  return std::move(*this);
}

Fact&& Fact::with(std::string_view key, const std::vector<std::string>& values) && {
  append_key(json_, key);
  json_ += '[';
  for (const std::string& value : values) {
    if (json_.back() != '[') json_ += ',';
    append_string(json_, value);
  }
  json_ += ']';
  return std::move(*this);
}

std::string Fact::line() && {
  json_ += "}\n";
  return std::move(json_);
}

}  // namespace signet::report
