// What MAIL and RCPT share: a path in angle brackets, then parameters (RFC 5321 4.1.2).
//
// Views point into the argument they were made from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/envelope.hpp"
#include "relay/base/result.hpp"

namespace signet::smtp {

struct PathAndParameters {
  std::string_view path;        ///< Between the angle brackets.
  std::string_view parameters;  ///< After the path's space.
};

struct Parameter {
  std::string keyword;  ///< Upper case.
  std::string_view value;
  bool has_value = false;
};

/// `keyword` is "FROM:" or "TO:". Faults: bad_parameter without it, `fault` for the path.
[[nodiscard]] Result<PathAndParameters> split_path(std::string_view argument,
                                                   std::string_view keyword, Fault fault);
/// Faults: `fault`; utf8_not_offered for octets over 127 without `utf8`.
[[nodiscard]] Result<Mailbox> parse_path(std::string_view path, Fault fault, bool utf8);
/// A keyword may come once. Fault: bad_parameter.
[[nodiscard]] Result<std::vector<Parameter>> parse_parameters(std::string_view text);

/// Up to 20 decimal digits and nothing else (RFC 1870 6, RFC 3030 2); nothing where that is no
/// number of 64 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_octet_count(std::string_view text);

/// bad_parameter, naming the parameter.
[[nodiscard]] Failure refuse_value(const Parameter& parameter);
/// xtext of printable ASCII (RFC 3461 4.2, 4.4), not empty, at most `cap` octets.
[[nodiscard]] bool is_printable_xtext(std::string_view text, std::size_t cap);

}  // namespace signet::smtp
