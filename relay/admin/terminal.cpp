#include "relay/admin/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <cwchar>

#include "relay/smtp/utf8.hpp"

namespace signet::admin {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{1};  // Work that is done by then shows no bar.
constexpr std::chrono::milliseconds kRedraw{100};
constexpr std::size_t kBar = 30;
constexpr std::string_view kEllipsis = "\u2026";

/// Columns of a character on a terminal, by the C library's table: 0 for what joins the one before.
std::size_t width_of(std::string_view character) {
  static const ::locale_t kUtf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (kUtf8 == nullptr) return 1;
  const ::locale_t before = ::uselocale(kUtf8);
  const int width = ::wcwidth(static_cast<wchar_t>(smtp::utf8_code_point(character)));
  ::uselocale(before);
  return width < 0 ? 1 : static_cast<std::size_t>(width);
}

/// How much of `line` fits into so many columns: whole characters.
std::size_t end_of(std::string_view line, std::size_t columns) {
  std::size_t at = 0;
  for (std::size_t taken = 0; at < line.size();) {
    const std::size_t size = std::max<std::size_t>(smtp::utf8_character(line.substr(at)), 1);
    const std::string_view character = line.substr(at, size);
    taken += size == 1 ? 1 : width_of(character);
    if (taken > columns) break;
    at += size;
  }
  return at;
}

Progress::Place standard_error() {
  return {.columns = takes_escapes(STDERR_FILENO) ? columns_of(STDERR_FILENO) : 0,
          .now = [] { return steady_clock::now(); },
          .write =
              [](const std::string& text) {
                std::fputs(text.c_str(), stderr);
                std::fflush(stderr);
              }};
}

}  // namespace

TerminalSize size_of(int descriptor) {
  winsize size{};
  TerminalSize found;
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0) return found;
  if (size.ws_col > 0) found.columns = size.ws_col;
  if (size.ws_row > 0) found.rows = size.ws_row;
  return found;
}

std::size_t columns_of(int descriptor) {
  return ::isatty(descriptor) == 1 ? size_of(descriptor).columns : 0;
}

bool takes_escapes(int descriptor) {
  const char* type = std::getenv("TERM");
  const std::string_view terminal = type == nullptr ? "" : type;
  return ::isatty(descriptor) == 1 && !terminal.empty() && terminal != "dumb";
}

bool shows_colours(int descriptor) {
  const char* no_colour = std::getenv("NO_COLOR");
  const bool is_unwanted = no_colour != nullptr && *no_colour != '\0';
  return takes_escapes(descriptor) && !is_unwanted;
}

std::string fit(std::string_view text, std::size_t columns) {
  if (columns == 0) return std::string(text);
  std::string cut;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (end_of(line, columns) == line.size()) {
      cut.append(line);
    } else {
      cut.append(line.substr(0, end_of(line, columns - 1))).append(kEllipsis);
    }
    if (end < text.size()) cut += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return cut;
}

Progress::Progress(std::string what, std::uint64_t total)
    : Progress(std::move(what), total, standard_error()) {}

Progress::Progress(std::string what, std::uint64_t total, Place place)
    : what_(std::move(what)), total_(total), place_(std::move(place)), began_(place_.now()) {}

Progress::~Progress() {
  if (is_shown_) place_.write("\r\x1b[K");
}

void Progress::reach(std::uint64_t done, std::string_view words) {
  if (place_.columns == 0) return;
  const auto now = place_.now();
  if (now - began_ < kPatience || (is_shown_ && now - drawn_ < kRedraw)) return;
  drawn_ = now;
  is_shown_ = true;
  place_.write("\r" + fit(bar(done, words), place_.columns - 1) + "\x1b[K");
}

std::string Progress::bar(std::uint64_t done, std::string_view words) const {
  if (total_ == 0) return fmt::format("{} {} {}", what_, done, words);
  const std::uint64_t reached = std::min(done, total_);
  const auto filled = static_cast<std::size_t>(kBar * reached / total_);
  return fmt::format("{} [{:#<{}}{:.<{}}] {:3}% {} of {} {}", what_, "", filled, "", kBar - filled,
                     100 * reached / total_, done, total_, words);
}

}  // namespace signet::admin
