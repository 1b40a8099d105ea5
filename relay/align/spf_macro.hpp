// Macro strings of SPF records (RFC 7208 7): grammar and expansion, without I/O.
//
//   macro-string = *( macro-expand / macro-literal )
//   macro-expand = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
//   domain-spec  = macro-string domain-end
//   domain-end   = ( "." toplabel [ "." ] ) / macro-expand
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "relay/base/ip_address.hpp"
#include "relay/base/result.hpp"

namespace signet::align {

/// Literal text, or one `%{...}`.
struct MacroPart {
  std::string literal;
  char letter = 0;          ///< Lower case; 0: this is literal text.
  bool is_escaped = false;  ///< The letter was upper case: URL-escape (RFC 7208 7.3).
  unsigned parts = 0;       ///< Right-hand parts to keep; 0: all.
  bool is_reversed = false;
  std::string delimiters;  ///< Never empty.
};

class MacroString {
 public:
  /// Faults: bad_parameter, with what is wrong.
  [[nodiscard]] static Result<MacroString> parse(std::string_view text);
  [[nodiscard]] static Result<MacroString> parse_domain_spec(std::string_view text);
  /// The text of an explanation (RFC 7208 6.2): blanks, and the letters c, r and t.
  [[nodiscard]] static Result<MacroString> parse_explanation(std::string_view text);

  [[nodiscard]] const std::vector<MacroPart>& parts() const { return parts_; }
  /// True when expansion needs the validated name of the address, which costs DNS lookups.
  [[nodiscard]] bool needs_validated_name() const;

 private:
  friend class MacroParser;
  std::vector<MacroPart> parts_;
};

struct MacroValues {
  IpAddress address;
  std::string sender_local;
  std::string sender_domain;
  std::string domain;  ///< <domain> of the check_host() in progress.
  std::string helo;
  std::string validated_name = "unknown";  ///< %{p}
  std::string receiver = "unknown";        ///< %{r}
  std::string time;                        ///< %{t}, seconds since 1970.
};

/// A name to ask for: without trailing dot and, by leaving out labels on the left, of at most 253
/// octets where that can be done (RFC 7208 7.3).
[[nodiscard]] std::string expand_domain(const MacroString& macro, const MacroValues& values);
/// Text; nothing but an error (bad_parameter) when it would be longer than `limit`.
[[nodiscard]] Result<std::string> expand_text(const MacroString& macro, const MacroValues& values,
                                              std::size_t limit);

/// "192.0.2.7", or the 32 nibbles of an IPv6 address with dots between them (RFC 7208 7.3).
[[nodiscard]] std::string dotted(const IpAddress& address);
/// The name that holds the PTR records of `address`.
[[nodiscard]] std::string reverse_name(const IpAddress& address);

}  // namespace signet::align
