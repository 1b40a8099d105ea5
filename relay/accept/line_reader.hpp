// Cuts received octets into command lines: only CRLF ends one (RFC 5321 2.3.8, 4.1.1.4).
//
// Pure: looks at what is unread and says how much to consume. Any cut of the input into reads gives
// the same lines. Not for the DATA phase (smtp/data.hpp).
#pragma once

#include <cstddef>
#include <string_view>

namespace signet::accept {

class LineReader {
 public:
  enum class Kind {
    incomplete,    ///< Needs more octets.
    line,          ///< `text` is a line without its CRLF.
    too_long,      ///< A line over the cap was dropped, to its CRLF.
    endless,       ///< kMaxDropped octets without a CRLF: hang up.
    bare_newline,  ///< CR or LF alone: hang up.
    nul,           ///< NUL: this is no SMTP; hang up.
  };
  struct Line {
    Kind kind = Kind::incomplete;
    std::string_view text;     ///< Views `unread`.
    std::size_t consumed = 0;  ///< Octets of `unread` that are used.
  };
  static constexpr std::size_t kMaxDropped = 1U << 20;

  /// `unread` begins where the last call's `consumed` ended.
  [[nodiscard]] Line next(std::string_view unread);

 private:
  [[nodiscard]] Line take(std::string_view unread, std::size_t newline);
  [[nodiscard]] Line wait(std::string_view unread);

  std::size_t scanned_ = 0;  // Octets of `unread` known to hold neither NUL nor a line's end.
  std::size_t dropped_ = 0;  // Octets of an over-long line already consumed.
};

}  // namespace signet::accept
