// The target of a request, taken apart: RFC 3986 path and query, strictly.
//
// A path is split before its segments are decoded, so "%2F" is an octet of a name and never a
// separator. What could be read in two ways is refused: bad escapes, "." and "..", empty segments,
// control characters, a parameter given twice. No I/O here.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/result.hpp"

namespace signet::admin {

using Parameters = std::map<std::string, std::string, std::less<>>;

struct RequestTarget {
  std::vector<std::string> segments;  ///< Decoded: "/v1/queue" is {"v1", "queue"}.
  Parameters parameters;              ///< Decoded; "+" is a plus sign.
};

/// "/v1/queue?limit=10". Fault: bad_parameter; the text says what is wrong.
[[nodiscard]] Result<RequestTarget> parse_target(std::string_view text);

/// A value as it is written in a query (RFC 3986 3.4).
[[nodiscard]] std::string encode_value(std::string_view value);

}  // namespace signet::admin
