#include "relay/accept/line_reader.hpp"

#include "relay/smtp/command.hpp"

namespace signet::accept {

LineReader::Line LineReader::next(std::string_view unread) {
  using namespace std::string_view_literals;
  const std::size_t at = unread.find_first_of("\r\n\0"sv, scanned_);
  if (at == std::string_view::npos) {
    scanned_ = unread.size();
    return wait(unread);
  }
  scanned_ = at;
  if (unread[at] == '\0') return {Kind::nul, {}, unread.size()};
  if (unread[at] == '\n') return {Kind::bare_newline, {}, unread.size()};
  if (at + 1 == unread.size()) return wait(unread);
  if (unread[at + 1] != '\n') return {Kind::bare_newline, {}, unread.size()};
  return take(unread, at);
}

LineReader::Line LineReader::take(std::string_view unread, std::size_t newline) {
  const bool is_too_long = dropped_ + newline + 2 > smtp::kMaxAuthLine;
  scanned_ = 0;
  dropped_ = 0;
  if (is_too_long) return {Kind::too_long, {}, newline + 2};
  return {Kind::line, unread.substr(0, newline), newline + 2};
}

LineReader::Line LineReader::wait(std::string_view unread) {
  if (dropped_ + unread.size() <= smtp::kMaxAuthLine) return {};
  const std::size_t consumed = scanned_;  // A CR at the end stays: its LF may follow.
  dropped_ += consumed;
  scanned_ = 0;
  if (dropped_ > kMaxDropped) return {Kind::endless, {}, consumed};
  return {Kind::incomplete, {}, consumed};
}

}  // namespace signet::accept
