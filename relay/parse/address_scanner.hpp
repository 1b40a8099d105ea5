// Walks the tokens of a structured field (RFC 5322 3.2): comments, folding white space, quoted
// strings. It knows no addresses. Views point into the text given.
#pragma once

#include <string_view>

namespace signet::parse {

constexpr int kMaxCommentDepth = 20;

class AddressScanner {
 public:
  explicit AddressScanner(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  /// The octet at hand; NUL at the end (a field holds none).
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[at_]; }
  [[nodiscard]] std::size_t position() const { return at_; }
  void seek(std::size_t position) { at_ = position; }
  void skip() { ++at_; }

  /// Skips comments and folding white space. False for a comment that is open or nested too deep.
  [[nodiscard]] bool skip_cfws();
  /// The comment at hand with its parentheses; empty if it does not end or is nested too deep.
  [[nodiscard]] std::string_view take_comment();
  /// The quoted string at hand with its quotes; empty if it does not end.
  [[nodiscard]] std::string_view take_quoted_string();
  /// The longest run of octets for which `belongs` holds.
  [[nodiscard]] std::string_view take_while(bool (*belongs)(char));

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace signet::parse
