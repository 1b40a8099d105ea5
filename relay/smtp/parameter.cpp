#include "relay/smtp/parameter.hpp"

#include <algorithm>
#include <charconv>

#include "relay/smtp/characters.hpp"
#include "relay/smtp/command.hpp"

namespace signet::smtp {
namespace {

constexpr std::size_t kMaxCountDigits = 20;

// A ">" inside a quoted local part does not end the path.
std::size_t end_of_path(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '>' && !quoted) {
      return i;
    }
  }
  return std::string_view::npos;
}

bool is_keyword(std::string_view text) {
  return !text.empty() && text.front() != '-' &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

bool is_value(std::string_view text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](char c) { return c == ' ' || c == '=' || is_control(c); });
}

}  // namespace

Result<PathAndParameters> split_path(std::string_view argument, std::string_view keyword,
                                     Fault fault) {
  if (!equals_ignoring_case(argument.substr(0, keyword.size()), keyword))
    return fail(Fault::bad_parameter, "no " + std::string(keyword) + " " + std::string(argument),
                "Syntax: " + std::string(keyword) + "<address>");
  argument.remove_prefix(keyword.size());
  const std::size_t end = argument.starts_with('<') ? end_of_path(argument) : argument.npos;
  if (end == std::string_view::npos)
    return fail(fault, "no path: " + std::string(argument),
                "Address must be written <local@domain>, without a space before it");
  std::string_view rest = argument.substr(end + 1);
  if (!rest.empty() && !rest.starts_with(' '))
    return fail(fault, "text after the path: " + std::string(argument),
                "Only a space and parameters may follow the closing bracket");
  if (!rest.empty()) rest.remove_prefix(1);
  return PathAndParameters{.path = argument.substr(1, end - 1), .parameters = rest};
}

Result<Mailbox> parse_path(std::string_view path, Fault fault, bool utf8) {
  if (path.starts_with('@'))
    return fail(fault, "source route: " + std::string(path), "Source routes are refused");
  if (!utf8 && has_eight_bit(path)) return fail(Fault::utf8_not_offered, std::string(path));
  auto mailbox = parse_mailbox(path, utf8);
  if (!mailbox) return fail(fault, mailbox.error().detail, mailbox.error().text);
  return mailbox;
}

Result<std::vector<Parameter>> parse_parameters(std::string_view text) {
  std::vector<Parameter> parameters;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const std::size_t equals = std::min(word.find('='), word.size());
    Parameter parameter{.keyword = to_upper(word.substr(0, equals)),
                        .value = word.substr(std::min(equals + 1, word.size())),
                        .has_value = equals < word.size()};
    if (!is_keyword(parameter.keyword) || (parameter.has_value && !is_value(parameter.value)))
      return fail(Fault::bad_parameter, "malformed parameter: " + std::string(word));
    const bool is_repeated = std::ranges::any_of(
        parameters, [&](const Parameter& earlier) { return earlier.keyword == parameter.keyword; });
    if (is_repeated) return refuse_value(parameter);
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

std::optional<std::uint64_t> parse_octet_count(std::string_view text) {
  if (text.empty() || text.size() > kMaxCountDigits) return std::nullopt;
  if (!std::ranges::all_of(text, is_digit)) return std::nullopt;
  std::uint64_t count = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{}) return std::nullopt;
  return count;
}

Failure refuse_value(const Parameter& parameter) {
  return fail(Fault::bad_parameter, parameter.keyword + "=" + std::string(parameter.value),
              "Bad value of parameter " + parameter.keyword);
}

bool is_printable_xtext(std::string_view text, std::size_t cap) {
  if (text.empty() || text.size() > cap) return false;
  const auto decoded = decode_xtext(text);
  return decoded && std::ranges::all_of(*decoded, is_printable);
}

}  // namespace signet::smtp
