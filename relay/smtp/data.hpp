// Mail data: the framing of DATA (RFC 5321 4.1.1.4, 4.5.2) in and out, that of BDAT (RFC 3030) in.
// No I/O.
//
// In: only CRLF.CRLF ends the data, a leading dot is removed once, and a bare CR or LF is a fault,
// never passed on (the smuggling rows of the test list). Out: dots are added; bytes go as they are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "relay/base/result.hpp"

namespace signet::smtp {

/// Turns DATA octets into message octets, slice by slice: any cut gives the same result.
class DataDecoder {
 public:
  struct Options {
    std::size_t max_line = 998;  ///< Octets without CRLF (RFC 5322 2.1.1).
    bool allow_long_lines =
        false;  ///< The client's repair re-encodes them; still capped by message size.
    /// Bare LF becomes CRLF; never part of an end of data. A lone dot on a line between such ends
    /// is content; of two leading dots after a bare LF one is removed, a single one stays.
    bool repair_bare_lf = false;
    /// BDAT: its sizes frame the message, so a dot is a dot and only finish() ends the data.
    bool by_size = false;
  };
  struct Step {
    std::size_t consumed =
        0;  ///< Octets of `input` used; after the end the rest is the next command.
    bool ended = false;
  };

  explicit DataDecoder(Options options)
      : options_(options), at_(options.by_size ? At::text : At::line_start) {}
  /// Appends decoded octets to `out`. Faults: bare_newline, nul_in_message, line_over_998. After a
  /// fault the decoder is dead: what follows must not be read as commands.
  [[nodiscard]] Result<Step> decode(std::string_view input, std::string& out);
  /// The end of what is framed by size; appends a missing final CRLF. Fault: bare_newline.
  [[nodiscard]] Result<void> finish(std::string& out);
  [[nodiscard]] bool repaired_bare_lf() const { return repaired_bare_lf_; }
  [[nodiscard]] bool saw_long_line() const { return saw_long_line_; }
  [[nodiscard]] bool saw_eight_bit() const { return saw_eight_bit_; }

 private:
  enum class At { line_start, text, after_cr, after_dot, after_dot_cr, after_lf, after_lf_dot };
  /// Each uses octets of `text` from `begin` on and returns where it stopped.
  std::size_t copy_lines(std::string_view text, std::size_t begin, std::string& out);
  std::size_t step(std::string_view text, std::size_t at, std::string& out);
  void take_bare_lf(std::string& out);
  void count(std::size_t octets);
  void refuse(Fault fault, const char* what);

  Options options_;
  At at_;
  std::size_t line_ = 0;  ///< Octets of the line so far, without its stuffed dot.
  bool ended_ = false;
  std::optional<Error> failed_;
  bool repaired_bare_lf_ = false;
  bool saw_long_line_ = false;
  bool saw_eight_bit_ = false;
};

/// Doubles leading dots, slice by slice, and at last ends the data.
class DataEncoder {
 public:
  /// Appends the encoded slice to `out`.
  void encode(std::string_view slice, std::string& out);
  /// Appends the end of data: a missing final CRLF, then ".\r\n".
  void finish(std::string& out);

 private:
  bool at_line_start_ = true;
  bool after_cr_ = false;
};

}  // namespace signet::smtp
