#include "config/scram_keys.hpp"

#include <algorithm>
#include <charconv>

namespace signet::config {
namespace {

constexpr std::string_view kScheme = "SCRAM-SHA-256$";
constexpr std::size_t kKeyText = 44;  // Base64 of 32 octets.
constexpr std::size_t kLeastSaltText = 12;
constexpr std::size_t kMostSaltText = 88;

/// What stands before `mark`; `text` becomes what stands after it. False: there is no mark.
bool cut(std::string_view& text, char mark, std::string_view& before) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return false;
  before = text.substr(0, at);
  text.remove_prefix(at + 1);
  return true;
}

/// RFC 4648 4, in whole quanta.
bool is_base64(std::string_view text) {
  const std::size_t padding = text.ends_with("==") ? 2 : (text.ends_with('=') ? 1 : 0);
  if (text.size() % 4 != 0 || text.size() == padding) return false;
  return std::ranges::all_of(text.substr(0, text.size() - padding), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  });
}

bool is_key(std::string_view text) {
  return text.size() == kKeyText && is_base64(text) && text.ends_with('=') && !text.ends_with("==");
}

}  // namespace

Result<ScramKeys> parse_scram_keys(std::string_view line) {
  std::string_view iterations;
  std::string_view salt;
  std::string_view stored;
  if (!line.starts_with(kScheme)) return fail(Fault::bad_parameter, "not SCRAM-SHA-256");
  line.remove_prefix(kScheme.size());
  if (!cut(line, ':', iterations) || !cut(line, '$', salt) || !cut(line, ':', stored)) {
    return fail(Fault::bad_parameter, "a part is missing");
  }
  ScramKeys keys;
  const char* begin = iterations.data();
  const char* end = begin + iterations.size();
  const auto [stop, error] = std::from_chars(begin, end, keys.iterations);
  if (error != std::errc{} || stop != end || keys.iterations < ScramKeys::kLeastIterations ||
      keys.iterations > ScramKeys::kMostIterations) {
    return fail(Fault::bad_parameter, "iterations");
  }
  if (!is_base64(salt) || salt.size() < kLeastSaltText || salt.size() > kMostSaltText) {
    return fail(Fault::bad_parameter, "salt");
  }
  if (!is_key(stored) || !is_key(line)) return fail(Fault::bad_parameter, "a key");
  keys.salt = salt;
  keys.stored_key = stored;
  keys.server_key = line;
  return keys;
}

std::string to_string(const ScramKeys& keys) {
  return std::string(kScheme) + std::to_string(keys.iterations) + ":" + keys.salt + "$" +
         keys.stored_key + ":" + keys.server_key;
}

}  // namespace signet::config
