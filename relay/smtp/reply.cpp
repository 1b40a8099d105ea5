#include "relay/smtp/reply.hpp"

#include "relay/smtp/characters.hpp"

namespace signet::smtp {
namespace {

constexpr std::size_t kMaxReplyLine = 512;  // RFC 5321 4.5.3.1.5, with CRLF.
constexpr std::size_t kMaxSummary = 500;

void append_printable(std::string& out, std::string_view text) {
  for (const char c : text) out += is_printable(c) ? c : '?';
}

void append_line(std::string& out, int code, char separator, std::string_view enhanced,
                 std::string_view text) {
  std::string line = std::to_string(code);
  line += separator;
  line += enhanced;
  if (!enhanced.empty() && !text.empty()) line += ' ';
  append_printable(line, text.substr(0, kMaxReplyLine));
  if (line.size() > kMaxReplyLine - 2) line.resize(kMaxReplyLine - 2);
  out += line;
  out += "\r\n";
}

}  // namespace

std::string format_reply(const Error& error) {
  const FaultRow& facts = row(error.fault);
  return format_reply(facts.code, facts.enhanced, error.public_text());
}

std::string format_reply(int code, std::string_view enhanced,
                         const std::vector<std::string_view>& lines) {
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i)
    append_line(out, code, i + 1 < lines.size() ? '-' : ' ', enhanced, lines[i]);
  if (lines.empty()) append_line(out, code, ' ', enhanced, {});
  return out;
}

std::string format_reply(int code, std::string_view enhanced, std::string_view text) {
  std::string out;
  append_line(out, code, ' ', enhanced, text);
  return out;
}

std::string Reply::to_string() const {
  std::string out = std::to_string(code);
  for (const std::string& line : lines) {
    if (out.size() >= kMaxSummary) break;
    if (line.empty()) continue;
    out += ' ';
    append_printable(out, line);
  }
  if (out.size() > kMaxSummary) out.resize(kMaxSummary);
  return out;
}

}  // namespace signet::smtp
