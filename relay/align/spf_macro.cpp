#include "relay/align/spf_macro.hpp"

#include <algorithm>

namespace signet::align {
namespace {

constexpr std::size_t kMaxName = 253;
constexpr unsigned kMaxParts = 128;  // RFC 7208 7.3 asks for at least 127; no name has more labels.
// While a name grows beyond the first, only as much of its end is kept as decides the result.
constexpr std::size_t kMaxGrowth = 4096;
constexpr std::size_t kKeptEnd = 512;

constexpr std::string_view kDomainLetters = "slodipvh";
constexpr std::string_view kExplanationLetters = "crt";
constexpr std::string_view kDelimiters = ".-+,/_=";
constexpr std::string_view kHex = "0123456789ABCDEF";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_alpha(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }
bool is_alphanum(char c) { return is_alpha(c) || is_digit(c); }
bool is_visible(char c) { return c > ' ' && c < 0x7F; }

// toplabel = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
bool is_toplabel(std::string_view label) {
  if (label.empty() || !is_alphanum(label.front()) || !is_alphanum(label.back())) return false;
  return std::ranges::all_of(label, [](char c) { return is_alphanum(c) || c == '-'; }) &&
         std::ranges::any_of(label, [](char c) { return !is_digit(c); });
}

}  // namespace

class MacroParser {
 public:
  MacroParser(std::string_view text, bool is_explanation)
      : rest_(text), is_explanation_(is_explanation) {}

  Result<MacroString> parse() {
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '%') {
        if (auto read = read_expand(); !read) return read.failure();
        tail_.clear();
      } else if (is_visible(c) || (is_explanation_ && c == ' ')) {
        rest_.remove_prefix(1);
        add_literal(c);
        tail_ += c;
      } else {
        return fail(Fault::bad_parameter, "a character that is not visible ASCII");
      }
    }
    return std::move(made_);
  }

  /// What follows the last macro-expand; nothing when the text ends in one.
  [[nodiscard]] const std::string& tail() const { return tail_; }

 private:
  Result<void> read_expand() {
    const char kind = rest_.size() > 1 ? rest_[1] : '\0';
    if (kind == '{') return read_macro();
    if (kind != '%' && kind != '_' && kind != '-') {
      return fail(Fault::bad_parameter, "'%' without '{', '%', '_' or '-' after it");
    }
    rest_.remove_prefix(2);
    for (const char c : std::string_view(kind == '%' ? "%" : kind == '_' ? " " : "%20")) {
      add_literal(c);
    }
    return {};
  }

  Result<void> read_macro() {
    const std::size_t end = rest_.find('}');
    if (end == std::string_view::npos || end == 2) {
      return fail(Fault::bad_parameter, "a macro without '}' or without a letter");
    }
    std::string_view inner = rest_.substr(2, end - 2);
    rest_.remove_prefix(end + 1);
    MacroPart part;
    part.letter = lower(inner.front());
    part.is_escaped = part.letter != inner.front();
    inner.remove_prefix(1);
    if (!kDomainLetters.contains(part.letter)) {
      if (!kExplanationLetters.contains(part.letter)) {
        return fail(Fault::bad_parameter, "unknown macro letter");
      }
      if (!is_explanation_) {
        return fail(Fault::bad_parameter, "a macro letter that only explanations may have");
      }
    }
    if (auto read = read_transformers(inner, part); !read) return read.failure();
    made_.parts_.push_back(std::move(part));
    return {};
  }

  static Result<void> read_transformers(std::string_view inner, MacroPart& part) {
    const bool has_number = !inner.empty() && is_digit(inner.front());
    for (; !inner.empty() && is_digit(inner.front()); inner.remove_prefix(1)) {
      part.parts =
          std::min(part.parts * 10 + static_cast<unsigned>(inner.front() - '0'), kMaxParts);
    }
    if (has_number && part.parts == 0) {
      return fail(Fault::bad_parameter, "a macro that keeps 0 parts");
    }
    if (!inner.empty() && lower(inner.front()) == 'r') {
      part.is_reversed = true;
      inner.remove_prefix(1);
    }
    if (inner.find_first_not_of(kDelimiters) != std::string_view::npos) {
      return fail(Fault::bad_parameter, "a macro with a bad transformer or delimiter");
    }
    part.delimiters = inner.empty() ? "." : std::string(inner);
    return {};
  }

  void add_literal(char c) {
    if (made_.parts_.empty() || made_.parts_.back().letter != 0) made_.parts_.emplace_back();
    made_.parts_.back().literal += c;
  }

  std::string_view rest_;
  bool is_explanation_;
  MacroString made_;
  std::string tail_;
};

Result<MacroString> MacroString::parse(std::string_view text) {
  return MacroParser(text, false).parse();
}

Result<MacroString> MacroString::parse_explanation(std::string_view text) {
  return MacroParser(text, true).parse();
}

Result<MacroString> MacroString::parse_domain_spec(std::string_view text) {
  if (text.empty()) return fail(Fault::bad_parameter, "an empty domain");
  MacroParser parser(text, false);
  auto macro = parser.parse();
  if (!macro) return macro;
  std::string_view tail = parser.tail();
  if (tail.empty()) return macro;
  if (tail.ends_with('.')) tail.remove_suffix(1);
  const std::size_t dot = tail.rfind('.');
  if (dot == std::string_view::npos || !is_toplabel(tail.substr(dot + 1))) {
    return fail(Fault::bad_parameter, "a domain without a valid top label");
  }
  return macro;
}

bool MacroString::needs_validated_name() const {
  return std::ranges::any_of(parts_, [](const MacroPart& part) { return part.letter == 'p'; });
}

namespace {

std::string value_of(char letter, const MacroValues& values) {
  switch (letter) {
    case 's':
      return values.sender_local + "@" + values.sender_domain;
    case 'l':
      return values.sender_local;
    case 'o':
      return values.sender_domain;
    case 'd':
      return values.domain;
    case 'i':
      return dotted(values.address);
    case 'p':
      return values.validated_name;
    case 'v':
      return values.address.is_v6() ? "ip6" : "in-addr";
    case 'h':
      return values.helo;
    case 'c':
      return values.address.to_string();
    case 'r':
      return values.receiver;
    default:
      return values.time;
  }
}

std::string transformed(const std::string& value, const MacroPart& part) {
  std::vector<std::string_view> pieces;
  for (std::size_t start = 0; start <= value.size();) {
    const std::size_t end = std::min(value.find_first_of(part.delimiters, start), value.size());
    pieces.push_back(std::string_view(value).substr(start, end - start));
    start = end + 1;
  }
  if (part.is_reversed) std::ranges::reverse(pieces);
  const std::size_t kept = part.parts == 0 ? pieces.size() : part.parts;
  const std::size_t skipped = pieces.size() - std::min(kept, pieces.size());
  std::string text;
  for (std::size_t i = skipped; i < pieces.size(); ++i) {
    if (i != skipped) text += '.';
    text += pieces[i];
  }
  return text;
}

// All but the unreserved characters of RFC 3986 2.3.
std::string url_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (is_alphanum(c) || std::string_view("-._~").contains(c)) {
      escaped += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    escaped += {'%', kHex[octet >> 4U], kHex[octet & 0xFU]};
  }
  return escaped;
}

std::string expanded(const MacroPart& part, const MacroValues& values) {
  if (part.letter == 0) return part.literal;
  std::string text = transformed(value_of(part.letter, values), part);
  return part.is_escaped ? url_escaped(text) : text;
}

}  // namespace

std::string expand_domain(const MacroString& macro, const MacroValues& values) {
  std::string name;
  for (const MacroPart& part : macro.parts()) {
    name += expanded(part, values);
    if (name.size() > kMaxGrowth) name.erase(0, name.size() - kKeptEnd);
  }
  if (name.ends_with('.')) name.pop_back();
  while (name.size() > kMaxName) {
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos) break;
    name.erase(0, dot + 1);
  }
  return name;
}

Result<std::string> expand_text(const MacroString& macro, const MacroValues& values,
                                std::size_t limit) {
  std::string text;
  for (const MacroPart& part : macro.parts()) {
    text += expanded(part, values);
    if (text.size() > limit) return fail(Fault::bad_parameter, "explanation too long");
  }
  return text;
}

std::string dotted(const IpAddress& address) {
  if (address.is_v4()) return address.to_string();
  std::string text;
  for (const char c : address.bytes()) {
    const auto octet = static_cast<unsigned char>(c);
    text += {kHex[octet >> 4U], '.', kHex[octet & 0xFU], '.'};
  }
  text.pop_back();
  return text;
}

std::string reverse_name(const IpAddress& address) {
  MacroPart reversed;
  reversed.is_reversed = true;
  reversed.delimiters = ".";
  return transformed(dotted(address), reversed) + (address.is_v6() ? ".ip6.arpa" : ".in-addr.arpa");
}

}  // namespace signet::align
