#include "relay/report/plain_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "relay/smtp/utf8.hpp"

namespace signet::report {
namespace {

constexpr std::size_t kWidth = 78;     // RFC 5322 2.1.1
constexpr std::size_t kMaxWord = 900;  // Under the 998 of RFC 5322 2.1.1, whatever precedes it.
constexpr std::size_t kMaxLine = 998;

bool is_printable(char c) { return c >= ' ' && c <= '~'; }

// Octets of the character beyond ASCII at the start of `text`, controls (U+0080 to U+009F)
// excepted.
std::size_t beyond_ascii(std::string_view text) {
  const std::size_t size = smtp::utf8_character(text);
  return size > 1 && smtp::utf8_code_point(text.substr(0, size)) > 0x9f ? size : 0;
}

std::string printable(std::string_view text, bool utf8, std::string_view also = {}) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const bool stays = is_printable(text[0]) || also.contains(text[0]);
    const std::size_t wide = utf8 && !stays ? beyond_ascii(text) : 0;
    if (wide > 0) {
      clean += text.substr(0, wide);
    } else {
      clean += stays ? text[0] : '?';
    }
    text.remove_prefix(std::max<std::size_t>(wide, 1));
  }
  return clean;
}

// At most `most` octets, no character cut in two.
std::size_t whole_characters(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text.size();
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80;
  };
  while (most > 1 && continues(most)) --most;
  return most;
}

// Appends `text` word by word to the line `out` ends with; each further line begins with `lead`.
void append_words(std::string& out, std::string_view text, std::string_view lead,
                  std::size_t column) {
  bool line_has_word = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, whole_characters(text.substr(0, end), kMaxWord));
    text.remove_prefix(word.size());
    if (line_has_word && column + 1 + word.size() > kWidth) {
      out.append("\r\n").append(lead);
      column = lead.size();
    } else if (line_has_word) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    line_has_word = true;
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
}

std::string_view trim(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

void append_quoted_line(std::string& out, std::string_view text, bool utf8) {
  const std::string clean = printable(text, utf8, "\t");
  std::string_view line = clean;
  bool is_first = true;
  do {
    const std::size_t room = whole_characters(line, is_first ? kMaxLine : kMaxLine - 1);
    if (!is_first) out += ' ';
    out.append(line.substr(0, room)).append("\r\n");
    line.remove_prefix(room);
    is_first = false;
  } while (!line.empty());
}

}  // namespace

std::string sanitise(std::string_view text, bool utf8) {
  std::string clean = printable(text, utf8, "\t");
  std::ranges::replace(clean, '\t', ' ');
  return clean;
}

std::string format_field(std::string_view name, std::string_view value, bool utf8) {
  std::string field = std::string(name) + ": ";
  const std::string clean = sanitise(value, utf8);
  append_words(field, trim(clean), "\t", field.size());
  return field + "\r\n";
}

std::string wrap(std::string_view text, std::string_view indent, bool utf8) {
  std::string lines(indent);
  const std::string clean = sanitise(text, utf8);
  append_words(lines, trim(clean), indent, indent.size());
  return lines + "\r\n";
}

std::string format_date(WallTime time) {
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %d %02d:%02d:%02d +0000",
                kDays.at(std::chrono::weekday(day).c_encoding()), unsigned(date.day()),
                kMonths.at(unsigned(date.month()) - 1), int(date.year()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

std::string quote_header(std::string_view header, std::size_t limit, bool utf8) {
  std::string quoted;
  while (!header.empty()) {
    const std::size_t end = header.find('\n');
    std::string_view line = header.substr(0, end);
    header.remove_prefix(end == std::string_view::npos ? header.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) break;
    const std::size_t before = quoted.size();
    append_quoted_line(quoted, line, utf8);
    if (quoted.size() > limit) {
      quoted.resize(before);
      break;
    }
  }
  return quoted;
}

}  // namespace signet::report
