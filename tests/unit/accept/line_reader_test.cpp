#include "relay/accept/line_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "relay/smtp/command.hpp"

namespace signet::accept {
namespace {

using Kind = LineReader::Kind;

/// What a reader makes of `octets` arriving `step` at a time: one entry for each line or fault.
std::vector<std::string> read_in_steps(std::string_view octets, std::size_t step) {
  LineReader reader;
  std::vector<std::string> seen;
  std::string unread;
  while (true) {
    const auto line = reader.next(unread);
    const std::string text(line.text);
    unread.erase(0, line.consumed);
    if (line.kind == Kind::line) seen.push_back("line:" + text.substr(0, 20));
    if (line.kind == Kind::too_long) seen.emplace_back("too_long");
    if (line.kind == Kind::endless) seen.emplace_back("endless");
    if (line.kind == Kind::bare_newline) seen.emplace_back("bare_newline");
    if (line.kind == Kind::nul) seen.emplace_back("nul");
    if (line.kind == Kind::endless || line.kind == Kind::bare_newline || line.kind == Kind::nul) {
      return seen;
    }
    if (line.kind != Kind::incomplete) continue;
    if (octets.empty()) return seen;
    EXPECT_LE(unread.size(), smtp::kMaxAuthLine + 1);
    unread += octets.substr(0, step);
    octets.remove_prefix(std::min(step, octets.size()));
  }
}

using Seen = std::vector<std::string>;

TEST(LineReaderTest, only_crlf_ends_a_line_however_the_octets_arrive) {
  using namespace std::string_literals;
  const std::string longest(smtp::kMaxAuthLine - 2, 'x');
  const std::vector<std::pair<std::string, Seen>> cases{
      {"NOOP\r\n", {"line:NOOP"}},
      {"\r\n", {"line:"}},
      {"A\r\nB\r\nC", {"line:A", "line:B"}},
      {"A\nB\r\n", {"bare_newline"}},
      {"A\rB\r\n", {"bare_newline"}},
      {"A\r\r\nB\r\n", {"bare_newline"}},
      {"OK\r\nA\n", {"line:OK", "bare_newline"}},
      {"\n", {"bare_newline"}},
      {"A\0B\r\n"s, {"nul"}},
      {"A\r\0\n"s, {"bare_newline"}},
      {longest + "\r\nOK\r\n", {"line:" + std::string(20, 'x'), "line:OK"}},
      {longest + "x\r\nOK\r\n", {"too_long", "line:OK"}},
      {std::string(100'000, 'x') + "\r\nOK\r\n", {"too_long", "line:OK"}},
      {std::string(100'000, 'x') + "\nOK\r\n", {"bare_newline"}},
      {std::string(100'000, 'x') + "\0\r\n"s, {"nul"}},
  };
  for (const auto& [octets, expected] : cases) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{4096}}) {
      EXPECT_EQ(read_in_steps(octets, step), expected) << octets.substr(0, 20) << " by " << step;
    }
  }
}

TEST(LineReaderTest, a_line_without_end_is_given_up) {
  EXPECT_EQ(read_in_steps(std::string(3U << 20, 'x'), 4096), Seen{"endless"});
}

}  // namespace
}  // namespace signet::accept
