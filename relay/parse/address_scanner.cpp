#include "relay/parse/address_scanner.hpp"

namespace signet::parse {
namespace {

bool is_folding_white_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

bool AddressScanner::skip_cfws() {
  while (!at_end()) {
    if (is_folding_white_space(text_[at_])) {
      ++at_;
    } else if (text_[at_] != '(') {
      return true;
    } else if (take_comment().empty()) {
      return false;
    }
  }
  return true;
}

std::string_view AddressScanner::take_comment() {
  int depth = 0;
  for (std::size_t i = at_; i < text_.size(); ++i) {
    if (text_[i] == '\\')
      ++i;
    else if (text_[i] == '(' && ++depth > kMaxCommentDepth)
      return {};
    else if (text_[i] == ')' && --depth == 0) {
      const std::string_view comment = text_.substr(at_, i + 1 - at_);
      at_ = i + 1;
      return comment;
    }
  }
  return {};
}

std::string_view AddressScanner::take_quoted_string() {
  for (std::size_t i = at_ + 1; i < text_.size(); ++i) {
    if (text_[i] == '\\') {
      ++i;
    } else if (text_[i] == '"') {
      const std::string_view quoted = text_.substr(at_, i + 1 - at_);
      at_ = i + 1;
      return quoted;
    }
  }
  return {};
}

std::string_view AddressScanner::take_while(bool (*belongs)(char)) {
  const std::size_t begin = at_;
  while (!at_end() && belongs(text_[at_])) ++at_;
  return text_.substr(begin, at_ - begin);
}

}  // namespace signet::parse
