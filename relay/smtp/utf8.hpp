// Strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <string>
#include <string_view>

namespace signet::smtp {

/// Octets of the well-formed character at the start of `text`; 0 if there is none.
[[nodiscard]] std::size_t utf8_character(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);
/// Of a well-formed character.
[[nodiscard]] char32_t utf8_code_point(std::string_view character);
/// Empty for what is no character: surrogates, above U+10FFFF.
[[nodiscard]] std::string encode_utf8(char32_t code_point);

}  // namespace signet::smtp
