#include "relay/parse/transfer_encoding.hpp"

#include <algorithm>

#include "relay/smtp/characters.hpp"
#include "relay/smtp/command.hpp"

namespace signet::parse {
namespace {

constexpr std::size_t kMaxColumn = 76;
constexpr std::size_t kOctetsPerLine = kMaxColumn / 4 * 3;
constexpr std::string_view kHex = "0123456789ABCDEF";

// Without its CRLF; `text` is left after it.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find("\r\n"), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 2, text.size()));
  return line;
}

// A "-" at the start of a line could, with what follows, look like the delimiter of a multipart.
bool is_literal(char c, std::size_t column, bool is_last) {
  if (smtp::is_wsp(c)) return !is_last;
  return smtp::is_printable(c) && c != '=' && !(c == '-' && column == 0);
}

void append_quoted_line(std::string& out, std::string_view line) {
  std::size_t column = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool is_last = i + 1 == line.size();
    const std::size_t room = kMaxColumn - column - (is_last ? 0 : 1);
    if ((is_literal(c, column, is_last) ? 1U : 3U) > room) {
      out += "=\r\n";
      column = 0;
    }
    if (is_literal(c, column, is_last)) {
      out += c;
      column += 1;
    } else {
      const auto octet = static_cast<unsigned char>(c);
      out.append({'=', kHex[octet >> 4U], kHex[octet & 15U]});
      column += 3;
    }
  }
}

int hex_value(char c) {
  const std::size_t at = kHex.find(smtp::to_upper(c));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

// Appends a line; false in `hard` when it ends in a soft break.
Result<void> decode_quoted_line(std::string_view line, std::string& out, bool& hard) {
  while (!line.empty() && smtp::is_wsp(line.back())) line.remove_suffix(1);
  hard = !line.ends_with('=');
  if (!hard) line.remove_suffix(1);
  while (!line.empty()) {
    const std::size_t equals = std::min(line.find('='), line.size());
    out.append(line.substr(0, equals));
    line.remove_prefix(equals);
    if (line.empty()) break;
    const int high = line.size() > 2 ? hex_value(line[1]) : -1;
    const int low = line.size() > 2 ? hex_value(line[2]) : -1;
    if (high < 0 || low < 0) return fail(Fault::bad_parameter, "malformed quoted-printable");
    out += static_cast<char>(high << 4 | low);
    line.remove_prefix(3);
  }
  return {};
}

}  // namespace

std::string encode_quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const bool ends = text.find("\r\n") != std::string_view::npos;
    append_quoted_line(out, take_line(text));
    if (ends) out += "\r\n";
  }
  return out;
}

Result<std::string> decode_quoted_printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const bool ends = text.find("\r\n") != std::string_view::npos;
    bool hard = true;
    if (auto line = decode_quoted_line(take_line(text), out, hard); !line) return line.failure();
    if (ends && hard) out += "\r\n";
  }
  return out;
}

std::string encode_base64_lines(std::string_view octets) {
  std::string out;
  out.reserve(octets.size() / 3 * 4 + octets.size() / kOctetsPerLine * 2 + 8);
  while (!octets.empty()) {
    if (!out.empty()) out += "\r\n";
    out += smtp::encode_base64(octets.substr(0, kOctetsPerLine));
    octets.remove_prefix(std::min(kOctetsPerLine, octets.size()));
  }
  return out;
}

Result<std::string> decode_base64_lines(std::string_view text) {
  std::string joined(text);
  std::erase_if(joined, [](char c) { return smtp::is_wsp(c) || c == '\r' || c == '\n'; });
  return smtp::decode_base64(joined);
}

}  // namespace signet::parse
