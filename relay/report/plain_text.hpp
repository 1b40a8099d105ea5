// Text for mail we write ourselves: 7-bit, folded, dated (RFC 5322 2.2.3, 3.3). No I/O.
#pragma once

#include <string>
#include <string_view>

#include "relay/base/clock.hpp"

namespace signet::report {

/// Printable ASCII: a tab becomes a space, any other octet outside it '?'.
[[nodiscard]] std::string sanitise(std::string_view text);

/// "NAME: VALUE" and CRLF, sanitised and folded at spaces where a line would pass 78 octets; a word
/// too long for any line is cut.
[[nodiscard]] std::string format_field(std::string_view name, std::string_view value);

/// Lines of at most 78 octets, each beginning with `indent`, sanitised, with CRLF.
[[nodiscard]] std::string wrap(std::string_view text, std::string_view indent = {});

/// "Mon, 02 Mar 2026 10:00:00 +0000"
[[nodiscard]] std::string format_date(WallTime time);

/// A header block as text of another mail: lines as they are, but 7-bit, at most 998 octets, CRLF
/// at each end, and no more than `limit` octets of whole lines.
[[nodiscard]] std::string quote_header(std::string_view header, std::size_t limit);

}  // namespace signet::report
