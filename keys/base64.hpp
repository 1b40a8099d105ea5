// Base64 (RFC 4648 4) as DKIM uses it: keys in records, hashes and signatures in fields.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace signet::keys {

[[nodiscard]] std::string encode_base64(std::string_view octets);
/// Strict: the alphabet, right padding, no stray bits. White space between characters is skipped
/// (RFC 6376 2.10, base64string).
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace signet::keys
