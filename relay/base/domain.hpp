// A DNS domain name as mail uses it: lower case, A-labels, no trailing dot.
//
// RFC 5321 4.1.2 (Domain), RFC 5890 (A-labels), RFC 5891 (IDNA2008). One routine for the whole
// program: envelope, From, configuration and d= all compare what parse() returns.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>

#include "relay/base/result.hpp"

namespace signet {

class Domain {
 public:
  /// Accepts LDH names (underscore refused) and UTF-8 U-labels; both become lower-case A-labels.
  /// Faults: bad_parameter (empty, label over 63, name over 253, bad characters, invalid IDNA or
  /// UTF-8, numeric last label).
  [[nodiscard]] static Result<Domain> parse(std::string_view text);

  [[nodiscard]] const std::string& text() const { return text_; }
  /// True for the same name or a name below `parent`, by whole labels.
  [[nodiscard]] bool is_within(const Domain& parent) const;
  /// The name without its first label; empty text for a single label.
  [[nodiscard]] std::string_view parent() const;

  friend auto operator<=>(const Domain&, const Domain&) = default;

 private:
  explicit Domain(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace signet

template <>
struct std::hash<signet::Domain> {
  std::size_t operator()(const signet::Domain& domain) const noexcept {
    return std::hash<std::string>{}(domain.text());
  }
};
