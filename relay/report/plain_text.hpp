// Text for mail we write ourselves: folded and dated (RFC 5322 2.2.3, 3.3), 7-bit unless `utf8`
// lets characters beyond ASCII stay (RFC 6532). No I/O.
#pragma once

#include <string>
#include <string_view>

#include "relay/base/clock.hpp"

namespace signet::report {

/// Printable: a tab becomes a space, any other octet that is not '?'.
[[nodiscard]] std::string sanitise(std::string_view text, bool utf8 = false);

/// "NAME: VALUE" and CRLF, sanitised and folded at spaces where a line would pass 78 octets; a word
/// too long for any line is cut.
[[nodiscard]] std::string format_field(std::string_view name, std::string_view value,
                                       bool utf8 = false);

/// Lines of at most 78 octets, each beginning with `indent`, sanitised, with CRLF.
[[nodiscard]] std::string wrap(std::string_view text, std::string_view indent = {},
                               bool utf8 = false);

/// "Mon, 02 Mar 2026 10:00:00 +0000"
[[nodiscard]] std::string format_date(WallTime time);

/// A header block as text of another mail: lines as they are, but printable, at most 998 octets,
/// CRLF at each end, and no more than `limit` octets of whole lines.
[[nodiscard]] std::string quote_header(std::string_view header, std::size_t limit,
                                       bool utf8 = false);

}  // namespace signet::report
