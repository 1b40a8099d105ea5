// The SPF record (RFC 7208 4.5, 4.6.1, 12): text to terms, without I/O.
//
//   record    = "v=spf1" *( 1*SP ( directive / modifier ) ) *SP
//   directive = [ "+" / "-" / "?" / "~" ] mechanism
//   modifier  = "redirect=" domain-spec / "exp=" domain-spec / name "=" macro-string
//
// A syntax error anywhere makes the whole record an error (4.6).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/align/spf_macro.hpp"
#include "relay/align/spf_outcome.hpp"

namespace signet::align {

enum class SpfMechanism { all, include, a, mx, ptr, ip4, ip6, exists };

struct SpfDirective {
  SpfOutcome outcome = SpfOutcome::pass;  ///< What the qualifier says.
  SpfMechanism mechanism = SpfMechanism::all;
  std::optional<MacroString> target = {};  ///< None: the domain whose record this is.
  std::string network = {};                ///< ip4, ip6: 4 or 16 octets in network order.
  unsigned prefix4 = 32;
  unsigned prefix6 = 128;
  std::string text = {};  ///< As written, cut when very long.
};

struct SpfModifier {
  MacroString target;
  std::string domain_spec;  ///< As written, and:
  std::string text;         ///< with its name, cut when very long.
};

struct SpfRecord {
  std::vector<SpfDirective> directives;
  std::optional<SpfModifier> redirect;
  std::optional<SpfModifier> explanation;
};

/// True for "v=spf1" in any case, followed by a blank or nothing (RFC 7208 4.5).
[[nodiscard]] bool is_spf_record(std::string_view text);

/// Fault: bad_parameter; the detail names the term and what is wrong with it, in printable ASCII.
[[nodiscard]] Result<SpfRecord> parse_spf_record(std::string_view text);

/// Whether the first `prefix` bits of two addresses in network order are the same; never for
/// addresses of different families.
[[nodiscard]] bool in_network(std::string_view network, unsigned prefix, std::string_view address);

/// `text` cut to a length that a log line or a reply can bear, with '?' for whatever is not
/// printable ASCII.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace signet::align
