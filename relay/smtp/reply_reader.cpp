#include <algorithm>
#include <utility>

#include "relay/smtp/characters.hpp"
#include "relay/smtp/reply.hpp"

namespace signet::smtp {
namespace {

constexpr std::size_t kMaxLine = 2048;
constexpr std::size_t kMaxLines = 100;
constexpr std::size_t kMaxReply = 64 * 1024;
constexpr std::size_t kMaxKeptText = 512;

// 0 for anything but 2yz to 5yz. RFC 5321 allows 0 to 5 in the middle; 571 and the like are in use.
int code_of(std::string_view line) {
  if (line.size() < 3 || line[0] < '2' || line[0] > '5') return 0;
  if (!is_digit(line[1]) || !is_digit(line[2])) return 0;
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

std::size_t digits(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
}

// "c.ddd.ddd" at the start of a line's text (RFC 3463 2); empty if there is none.
std::string_view enhanced_code(std::string_view text, int code) {
  if (text.empty() || text[0] != '0' + code / 100) return {};
  std::size_t at = 1;
  for (int part = 0; part < 2; ++part) {
    if (at >= text.size() || text[at] != '.') return {};
    const std::size_t count = digits(text.substr(at + 1));
    if (count == 0 || count > 3) return {};
    at += 1 + count;
  }
  return at == text.size() || text[at] == ' ' ? text.substr(0, at) : std::string_view{};
}

std::string sanitise(std::string_view text) {
  std::string out(text.substr(0, kMaxKeptText));
  std::ranges::replace_if(out, [](char c) { return !is_printable(c); }, '?');
  return out;
}

}  // namespace

void ReplyReader::feed(std::string_view octets) {
  if (failed_) return;
  if (begin_ > buffer_.size() / 2) {
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
  }
  buffer_.append(octets);
}

Result<std::optional<Reply>> ReplyReader::next() {
  while (!failed_) {
    const auto line = next_line();
    if (!line) break;
    if (!take_line(*line)) continue;
    octets_ = 0;
    return std::optional<Reply>(std::exchange(partial_, Reply{}));
  }
  if (failed_) return fail(*failed_);
  return std::optional<Reply>{};
}

// Without its line end; views the buffer until the next feed().
std::optional<std::string_view> ReplyReader::next_line() {
  const std::size_t lf = buffer_.find('\n', scanned_);
  scanned_ = std::min(lf, buffer_.size());
  const std::size_t size = scanned_ - begin_;
  if (size >= kMaxLine) {
    refuse("reply line over 2048 octets");
    return std::nullopt;
  }
  if (lf == std::string::npos) return std::nullopt;
  std::string_view line(buffer_.data() + begin_, size);
  octets_ += size + 1;
  begin_ = scanned_ = lf + 1;
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// True when the line ends its reply.
bool ReplyReader::take_line(std::string_view line) {
  if (line.find('\0') != std::string_view::npos) {
    refuse("NUL in a reply");
    return false;
  }
  const int code = code_of(line);
  const char separator = line.size() > 3 ? line[3] : ' ';
  if (code == 0 || (separator != ' ' && separator != '-')) {
    refuse("reply without a code");
    return false;
  }
  if (partial_.code != 0 && code != partial_.code) {
    refuse("code changes inside a reply");
    return false;
  }
  const std::string_view text = line.substr(std::min<std::size_t>(line.size(), 4));
  if (partial_.code == 0) partial_.enhanced = enhanced_code(text, code);
  partial_.code = code;
  partial_.lines.push_back(sanitise(text));
  if (partial_.lines.size() > kMaxLines || octets_ > kMaxReply) {
    refuse("reply over 100 lines or 64 KiB");
    return false;
  }
  return separator == ' ';
}

void ReplyReader::refuse(const char* what) {
  failed_ = Error{Fault::peer_protocol, what};
  buffer_.clear();
  begin_ = scanned_ = 0;
}

}  // namespace signet::smtp
