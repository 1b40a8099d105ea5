// Date, Received and what own mail lacks (RFC 5321 4.4, RFC 5322 3.3, 3.6).
#include <algorithm>
#include <array>
#include <cstdio>

#include "relay/parse/address_scanner.hpp"
#include "relay/parse/parsed.hpp"
#include "relay/smtp/characters.hpp"

namespace signet::parse {
namespace {

constexpr std::size_t kMaxColumn = 78;
constexpr std::size_t kTabColumns = 8;
constexpr std::size_t kMaxWord = 255;

/// `text` with what is neither letter, digit nor of `allowed` made "_".
std::string only(std::string_view text, std::string_view allowed) {
  std::string out(text.substr(0, kMaxWord));
  std::ranges::replace_if(
      out,
      [&](char c) {
        return !smtp::is_letter(c) && !smtp::is_digit(c) &&
               allowed.find(c) == std::string_view::npos;
      },
      '_');
  return out;
}

std::string name_or_literal(std::string_view text) {
  return text.empty() ? "unknown" : only(text, "-._:[]");
}

/// Puts words on lines of at most 78 columns where they fit.
class FoldedField {
 public:
  explicit FoldedField(std::string_view name) : text_(name), column_(name.size()) {}
  void word(std::string_view text) {
    if (column_ + 1 + text.size() > kMaxColumn) return line(text);
    text_.append(1, ' ').append(text);
    column_ += 1 + text.size();
  }
  void line(std::string_view text) {
    text_.append("\r\n\t").append(text);
    column_ = kTabColumns + text.size();
  }
  [[nodiscard]] std::string finish() && { return std::move(text_) + "\r\n"; }

 private:
  std::string text_;
  std::size_t column_;
};

void words_of_comment(FoldedField& field, const std::string& comment) {
  std::string_view rest = comment;
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    if (!word.empty()) field.word(word);
  }
}

std::string_view next_word(AddressScanner& scan) {
  if (!scan.skip_cfws()) return {};
  return scan.take_while([](char c) { return c > ' ' && c != '(' && c != ';'; });
}

bool is_written_by(std::string_view received, std::string_view hostname) {
  AddressScanner scan(received);
  for (auto word = next_word(scan); !word.empty(); word = next_word(scan)) {
    if (smtp::equals_ignoring_case(word, "by"))
      return smtp::equals_ignoring_case(next_word(scan), hostname);
  }
  return false;
}

}  // namespace

std::string format_date(WallTime time) {
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time - day).count();
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d +0000",
                kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                static_cast<int>(seconds / 3600), static_cast<int>(seconds / 60 % 60),
                static_cast<int>(seconds % 60));
  return text.data();
}

std::string received_field(const TraceFacts& facts) {
  FoldedField field("Received:");
  field.word("from " + name_or_literal(facts.helo));
  if (!facts.peer_address.empty()) {
    const bool is_v6 = facts.peer_address.find(':') != std::string::npos;
    field.word(std::string(is_v6 ? "([IPv6:" : "([") + only(facts.peer_address, ".:") + "])");
  }
  field.line("by " + name_or_literal(facts.hostname));
  field.word("with " + only(facts.protocol, ""));
  if (!facts.tls.empty()) words_of_comment(field, "(" + only(facts.tls, " -_./:+") + ")");
  field.word("id " + only(facts.queue_id, "") + ";");
  field.line(format_date(facts.now));
  return std::move(field).finish();
}

void complete_own_mail(MessageHeader& header, const Domain& author_domain,
                       std::string_view queue_id, WallTime now) {
  header.remove("Bcc");
  header.remove("Return-Path");
  if (header.count("Date") == 0) header.append("Date: " + format_date(now) + "\r\n");
  if (header.count("Message-ID") == 0)
    header.append("Message-ID: <" + std::string(queue_id) + "@" + author_domain.text() + ">\r\n");
}

bool says_tls_is_optional(const MessageHeader& header) {
  const Field* field = header.find("TLS-Required");
  if (field == nullptr || header.count("TLS-Required") != 1) return false;
  AddressScanner scan(header.value(*field));
  const std::string_view word = next_word(scan);
  return smtp::equals_ignoring_case(word, "No") && next_word(scan).empty();
}

std::size_t hops(const MessageHeader& header) { return header.count("Received"); }

std::size_t hops_through(const MessageHeader& header, std::string_view hostname) {
  return static_cast<std::size_t>(std::ranges::count_if(header.fields(), [&](const Field& field) {
    return smtp::equals_ignoring_case(header.name(field), "Received") &&
           is_written_by(header.value(field), hostname);
  }));
}

}  // namespace signet::parse
