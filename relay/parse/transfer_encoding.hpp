// Bodies in quoted-printable and base64, in lines of at most 76 octets (RFC 2045 6.7, 6.8).
#pragma once

#include <string>
#include <string_view>

#include "relay/base/result.hpp"

namespace signet::parse {

/// CRLF text: its line ends stay line ends.
[[nodiscard]] std::string encode_quoted_printable(std::string_view text);
/// Fault: bad_parameter for a malformed escape.
[[nodiscard]] Result<std::string> decode_quoted_printable(std::string_view text);

/// Octets in lines of 76, with CRLF between them and none after the last.
[[nodiscard]] std::string encode_base64_lines(std::string_view octets);
/// Base64 broken into lines anyhow. Fault: bad_parameter.
[[nodiscard]] Result<std::string> decode_base64_lines(std::string_view text);

}  // namespace signet::parse
