#include "keys/ucl.hpp"

#include <algorithm>
#include <optional>
#include <string>

namespace signet::keys {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 32;
constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kEscaped = "nrtbf";  // RFC 8259 7; any other stands for itself.
constexpr std::string_view kEscapes = "\n\r\t\b\f";
constexpr std::string_view kEndsBare = " \t\r\n;,{}[]\"'#";

class UclParser {
 public:
  explicit UclParser(std::string_view text) : text_(text) {}

  Result<json> parse() {
    skip_space();
    // A whole JSON object in its braces, as rspamadm prints it.
    const bool is_wrapped = peek() == '{';
    if (is_wrapped) ++at_;
    auto root = parse_entries(is_wrapped ? '}' : '\0', 0);
    if (!root) return root;
    skip_space();
    if (at_ < text_.size()) return refuse("something follows the end");
    return root;
  }

 private:
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  [[nodiscard]] Failure refuse(std::string_view why) const {
    const auto line = std::ranges::count(text_.substr(0, at_), '\n') + 1;
    return fail(Fault::bad_parameter, "line " + std::to_string(line) + ": " + std::string(why));
  }

  void skip_space() {
    while (at_ < text_.size()) {
      if (kSpace.find(peek()) != std::string_view::npos) {
        ++at_;
      } else if (peek() == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (text_.substr(at_).starts_with("/*")) {
        const auto end = text_.find("*/", at_ + 2);
        at_ = end == std::string_view::npos ? text_.size() : end + 2;
      } else {
        return;
      }
    }
  }

  void skip_separators() {
    skip_space();
    while (peek() == ';' || peek() == ',') {
      ++at_;
      skip_space();
    }
  }

  /// Up to `end`, which is taken; '\0': the end of the text.
  Result<json> parse_entries(char end, int depth) {
    json entries = json::object();
    if (depth > kMaxDepth) return refuse("nested too deep");
    for (skip_separators(); peek() != end; skip_separators()) {
      if (at_ >= text_.size()) return refuse("a section has no end");
      if (peek() == '.')
        return refuse("macros are not followed: take what 'rspamadm configdump -j' prints");
      const auto name = parse_name();
      if (!name) return name.failure();
      auto value = parse_named(depth);
      if (!value) return value;
      join(entries, *name, std::move(*value));
    }
    if (end != '\0') ++at_;
    return entries;
  }

  Result<std::string> parse_name() {
    if (peek() == '"' || peek() == '\'') return parse_quoted();
    const auto end = std::min(text_.find_first_of(" \t\r\n=:;,{}[]\"'#", at_), text_.size());
    if (end == at_) return refuse("a name is missing");
    const auto from = std::exchange(at_, end);
    return std::string(text_.substr(from, end - from));
  }

  /// What follows a name: a value, or further names of sections within sections.
  Result<json> parse_named(int depth) {
    skip_space();
    if (peek() == '=' || peek() == ':') {
      ++at_;
      skip_space();
      return parse_value(depth);
    }
    if (peek() == '{' || peek() == '[') return parse_value(depth);
    const auto mark = at_;
    const auto name = parse_name();
    if (!name) return name.failure();
    skip_space();
    if (peek() != '{') {  // "name value;" is allowed too.
      at_ = mark;
      return parse_value(depth);
    }
    auto value = parse_value(depth);
    if (!value) return value;
    return json{{*name, std::move(*value)}};
  }

  Result<json> parse_value(int depth) {
    switch (peek()) {
      case '{':
        ++at_;
        return parse_entries('}', depth + 1);
      case '[':
        ++at_;
        return parse_list(depth + 1);
      case '"':
      case '\'': {
        auto text = parse_quoted();
        if (!text) return text.failure();
        return json(std::move(*text));
      }
      default:
        return text_.substr(at_).starts_with("<<") ? parse_heredoc() : parse_bare();
    }
  }

  Result<json> parse_list(int depth) {
    json list = json::array();
    if (depth > kMaxDepth) return refuse("nested too deep");
    for (skip_separators(); peek() != ']'; skip_separators()) {
      if (at_ >= text_.size()) return refuse("a list has no end");
      auto value = parse_value(depth);
      if (!value) return value;
      list.push_back(std::move(*value));
    }
    ++at_;
    return list;
  }

  Result<std::string> parse_quoted() {
    const char quote = text_[at_++];
    std::string value;
    while (peek() != quote) {
      if (at_ >= text_.size()) return refuse("a text has no end");
      char c = text_[at_++];
      if (c == '\\' && at_ < text_.size()) {
        c = text_[at_++];
        if (c == 'u') return refuse("\\u is not read");
        if (const auto known = kEscaped.find(c); known != std::string_view::npos)
          c = kEscapes[known];
      }
      value += c;
    }
    ++at_;
    return value;
  }

  /// "<<NAME", lines, "NAME" on a line of its own.
  Result<json> parse_heredoc() {
    const auto line_end = text_.find('\n', at_);
    if (line_end == std::string_view::npos) return refuse("a text has no end");
    std::string mark(text_.substr(at_ + 2, line_end - at_ - 2));
    mark.erase(mark.find_last_not_of(kSpace) + 1);
    const auto end = text_.find("\n" + mark + "\n", line_end);
    if (mark.empty() || end == std::string_view::npos) return refuse("a text has no end");
    at_ = end + mark.size() + 1;
    return json(std::string(text_.substr(line_end + 1, end - std::min(line_end + 1, end))));
  }

  Result<json> parse_bare() {
    // Names of variables come in braces.
    auto end = at_;
    while (end < text_.size()) {
      if (text_.substr(end).starts_with("${")) {
        end = std::min(text_.find('}', end), text_.size() - 1) + 1;
      } else if (kEndsBare.find(text_[end]) != std::string_view::npos) {
        break;
      } else {
        ++end;
      }
    }
    if (end == at_) return refuse("a value is missing");
    const auto from = std::exchange(at_, end);
    const auto word = text_.substr(from, end - from);
    if (word == "true" || word == "yes" || word == "on") return json(true);
    if (word == "false" || word == "no" || word == "off") return json(false);
    if (word == "null") return json(nullptr);
    return json(std::string(word));
  }

  static void join(json& entries, const std::string& name, json value) {
    const auto known = entries.find(name);
    if (known == entries.end()) {
      entries.emplace(name, std::move(value));
    } else if (known->is_object() && value.is_object()) {
      for (auto& [key, inner] : value.items()) join(*known, key, inner);
    } else {
      if (!known->is_array()) *known = json::array({*known});
      known->push_back(std::move(value));
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<nlohmann::json> parse_ucl(std::string_view text) { return UclParser(text).parse(); }

}  // namespace signet::keys
