#include <algorithm>
#include <charconv>

#include "keys/base64.hpp"
#include "keys/tag_list.hpp"
#include "relay/sign/verifier.hpp"

namespace signet::sign {
namespace {

constexpr std::size_t kMaxSignedFields = 1000;
constexpr std::size_t kMaxDomain = 253;

Failure refuse(std::string why) { return fail(Fault::bad_parameter, std::move(why)); }

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return result;
}

// Labels of letters, digits, hyphen and, as the DNS has them, underscore.
bool is_name(std::string_view text) {
  if (text.empty() || text.size() > kMaxDomain) return false;
  std::size_t label = 0;
  for (const char c : text) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
    if (!good || ++label > 63) return false;
  }
  return label != 0;
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || text.front() == '-')
    return std::nullopt;
  return number;
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// RFC 6376 2.11.
std::optional<std::string> decode_quoted_printable(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n') continue;
    if (text[i] != '=') {
      result += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    result += static_cast<char>(*high << 4 | *low);
    i += 2;
  }
  return result;
}

Result<void> read_names(const keys::TagList& list, SignatureTags& tags) {
  tags.domain = lower_case(list.find("d")->value);
  if (!is_name(tags.domain)) return refuse("d= is no domain");
  tags.selector = list.find("s")->value;
  if (!is_name(tags.selector)) return refuse("s= is no selector");
  tags.identity = "@" + tags.domain;
  if (const auto* identity = list.find("i")) {
    const auto decoded = decode_quoted_printable(identity->value);
    const auto at = decoded ? decoded->rfind('@') : std::string::npos;
    if (at == std::string::npos) return refuse("i= is no address");
    tags.identity = decoded->substr(0, at + 1) + lower_case(decoded->substr(at + 1));
    const auto domain = std::string_view(tags.identity).substr(at + 1);
    if (domain != tags.domain && !domain.ends_with("." + tags.domain))
      return refuse("i= is not within d=");
  }
  return {};
}

Result<void> read_signed_fields(const keys::TagList& list, SignatureTags& tags) {
  bool good = true;
  keys::for_each_part(list.find("h")->value, [&](std::string_view name) {
    good = good && !name.empty() && tags.signed_fields.size() < kMaxSignedFields &&
           name.find_first_of(" \t\r\n") == std::string_view::npos;
    if (good) tags.signed_fields.push_back(lower_case(name));
  });
  if (!good) return refuse("bad h=");
  if (std::ranges::find(tags.signed_fields, "from") == tags.signed_fields.end())
    return refuse("From is not signed");
  return {};
}

Result<void> read_canonicalisation(const keys::TagList& list, SignatureTags& tags) {
  const auto* tag = list.find("c");
  if (tag == nullptr) return {};
  const auto slash = tag->value.find('/');
  const auto header = tag->value.substr(0, slash);
  const auto body =
      slash == std::string_view::npos ? std::string_view("simple") : tag->value.substr(slash + 1);
  for (const auto mode : {header, body})
    if (mode != "simple" && mode != "relaxed") return refuse("unknown canonicalisation");
  tags.relaxed_header = header == "relaxed";
  tags.relaxed_body = body == "relaxed";
  return {};
}

Result<void> read_numbers(const keys::TagList& list, SignatureTags& tags) {
  if (const auto* tag = list.find("l")) {
    tags.body_length = parse_number<std::uint64_t>(tag->value);
    if (!tags.body_length) return refuse("bad l=");
  }
  if (const auto* tag = list.find("t")) {
    tags.timestamp = parse_number<std::int64_t>(tag->value);
    if (!tags.timestamp) return refuse("bad t=");
  }
  if (const auto* tag = list.find("x")) {
    tags.expiry = parse_number<std::int64_t>(tag->value);
    if (!tags.expiry) return refuse("bad x=");
    if (tags.timestamp && *tags.expiry <= *tags.timestamp) return refuse("x= is not after t=");
  }
  return {};
}

Result<void> read_hashes(const keys::TagList& list, SignatureTags& tags) {
  auto body_hash = keys::decode_base64(list.find("bh")->value);
  if (!body_hash || body_hash->empty()) return refuse("bad bh=");
  auto signature = keys::decode_base64(list.find("b")->value);
  if (!signature || signature->empty()) return refuse("bad b=");
  tags.body_hash = std::move(*body_hash);
  tags.signature = std::move(*signature);
  return {};
}

Result<void> check_query(const keys::TagList& list) {
  const auto* tag = list.find("q");
  bool known = tag == nullptr;
  if (tag != nullptr)
    keys::for_each_part(tag->value, [&](std::string_view method) { known |= method == "dns/txt"; });
  if (!known) return refuse("no known query method");
  return {};
}

}  // namespace

Result<SignatureTags> parse_signature(std::string_view value) {
  const auto list = keys::TagList::parse(value);
  if (!list) return list.failure();
  for (const std::string_view name : {"v", "a", "b", "bh", "d", "h", "s"})
    if (list->find(name) == nullptr) return refuse("no " + std::string(name) + "= tag");
  if (list->find("v")->value != "1") return refuse("unknown version");
  SignatureTags tags;
  tags.algorithm = list->find("a")->value;
  if (const auto query = check_query(*list); !query) return query.failure();
  for (const auto read :
       {read_names, read_signed_fields, read_canonicalisation, read_numbers, read_hashes})
    if (const auto done = read(*list, tags); !done) return done.failure();
  return tags;
}

}  // namespace signet::sign
