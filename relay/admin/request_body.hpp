// The body of a request: one flat JSON object, of exactly the members that its route knows.
//
// Strict: a misspelt member, one of the wrong type, or one given twice is refused, so that an order
// never does something else than was meant. No I/O here.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "relay/base/result.hpp"

namespace signet::admin {

inline constexpr std::size_t kMaxBody = 64UL * 1024;  ///< Octets.
inline constexpr std::size_t kMaxText = 500;          ///< Octets of one member.
inline constexpr std::size_t kMaxLines = 8UL * 1024;  ///< Octets of a member of several lines.

struct Member {
  enum class Kind { text, lines, flag };
  std::string_view name;
  Kind kind = Kind::text;
};

class RequestBody {
 public:
  [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
  /// The member's value; empty, or false, when it is absent.
  [[nodiscard]] std::string text(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const;

 private:
  friend Result<RequestBody> parse_body(std::string_view, std::span<const Member>);
  std::map<std::string, std::variant<std::string, bool>, std::less<>> values_;
};

/// No octets at all is an object without members. Texts are UTF-8 without control characters,
/// but lines have line ends.
/// Fault: bad_parameter; the text says what is wrong.
[[nodiscard]] Result<RequestBody> parse_body(std::string_view text,
                                             std::span<const Member> members);

}  // namespace signet::admin
