// SMTP replies (RFC 5321 4.2, RFC 2034): written by the server side, read by the client side. No
// I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/result.hpp"

namespace signet::smtp {

/// "250 2.1.0 Ok\r\n" of an error: the fault's code, enhanced code and public text.
[[nodiscard]] std::string format_reply(const Error& error);
/// One or more lines; an empty `enhanced` is left out (EHLO, 220, 354). What is not printable ASCII
/// becomes "?", and a line is cut at 512 octets (RFC 5321 4.5.3.1.5), so nothing can be injected.
[[nodiscard]] std::string format_reply(int code, std::string_view enhanced,
                                       const std::vector<std::string_view>& lines);
[[nodiscard]] std::string format_reply(int code, std::string_view enhanced, std::string_view text);

struct Reply {
  int code = 0;
  std::string enhanced;            ///< "5.1.1" when the first line has one whose class is that of
                                   ///< the code (RFC 2034 4), else empty.
  std::vector<std::string> lines;  ///< Text after the code, enhanced code kept, sanitised to
                                   ///< printable ASCII, each at most 512 octets.

  [[nodiscard]] bool is_positive() const { return code >= 200 && code < 400; }
  [[nodiscard]] bool is_transient() const { return code >= 400 && code < 500; }
  [[nodiscard]] bool is_permanent() const { return code >= 500; }
  /// "550 5.1.1 No such user": code and lines joined by a space, at most 500 octets, printable
  /// ASCII.
  [[nodiscard]] std::string to_string() const;
};

/// Reads replies out of a byte stream, in order. Caps: line 2,048 octets, 100 lines, 64 KiB.
/// After a fault the reader is dead: every next() gives the same fault.
class ReplyReader {
 public:
  /// Adds received octets.
  void feed(std::string_view octets);
  /// The next whole reply, nothing if more is needed. Fault: peer_protocol (bad code, code change
  /// inside a reply, caps, NUL). A bare LF ends a line as CRLF does (tolerated on this side, RFC
  /// 5321 2.3.8 notwithstanding).
  [[nodiscard]] Result<std::optional<Reply>> next();
  /// True if octets wait that no reply has used: before STARTTLS or in an idle connection a breach.
  [[nodiscard]] bool has_leftover() const { return begin_ < buffer_.size() || partial_.code != 0; }

 private:
  [[nodiscard]] std::optional<std::string_view> next_line();
  [[nodiscard]] bool take_line(std::string_view line);
  void refuse(const char* what);

  std::string buffer_;
  std::size_t begin_ = 0;    ///< Octets before it are used up.
  std::size_t scanned_ = 0;  ///< No line end between begin_ and here.
  Reply partial_;            ///< The lines so far of the reply being read.
  std::size_t octets_ = 0;   ///< Of the reply being read.
  std::optional<Error> failed_;
};

/// What a server says it will take (RFC 9422 4); 0: it does not say.
struct PeerLimits {
  std::uint32_t transactions = 0;       ///< MAILMAX: in a session.
  std::uint32_t recipients = 0;         ///< RCPTMAX: in a transaction.
  std::uint32_t recipient_domains = 0;  ///< RCPTDOMAINMAX: different ones in a session.
  [[nodiscard]] bool any() const {
    return transactions > 0 || recipients > 0 || recipient_domains > 0;
  }
};

/// Keywords of an EHLO reply.
struct Capabilities {
  bool pipelining = false;
  bool eight_bit_mime = false;
  bool smtp_utf8 = false;
  bool starttls = false;
  bool dsn = false;
  bool chunking = false;
  bool enhanced_codes = false;
  bool require_tls = false;
  PeerLimits limits;
  bool has_size = false;
  std::uint64_t size = 0;         ///< 0: no fixed limit.
  std::vector<std::string> auth;  ///< Mechanisms, upper case.
};
[[nodiscard]] Capabilities parse_capabilities(const Reply& ehlo);

}  // namespace signet::smtp
