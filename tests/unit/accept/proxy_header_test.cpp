#include "relay/accept/proxy_header.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace signet::accept {
namespace {

using namespace std::string_literals;

const std::string kMark = "\r\n\r\n\0\r\nQUIT\n"s;

std::string number(std::size_t value) {
  return {static_cast<char>(value >> 8U & 0xffU), static_cast<char>(value & 0xffU)};
}

/// A header of version 2.
std::string binary(int version_and_command, int family_and_protocol, const std::string& rest) {
  return kMark + static_cast<char>(version_and_command) + static_cast<char>(family_and_protocol) +
         number(rest.size()) + rest;
}

const std::string kFour = "\xc0\0\x02\x01"s + "\x0a\0\0\x01"s + number(40000) + number(25);
const std::string kSix = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07" +
                         std::string(16, '\0') + number(40001) + number(25);
const std::string kMapped = std::string(10, '\0') + "\xff\xff\xc0\0\x02\x01"s +
                            std::string(16, '\0') + number(7) + number(25);
const std::string kUnixes(216, 'x');
const std::string kTlv = "\x05\0\x03"s + "abc" + "\xee\0\0"s;

/// As a connection reads it: only what is wanted, and of that as much as `step` allows.
std::string read(const std::string& stream, std::size_t step = 100'000) {
  std::string so_far;
  while (true) {
    const auto header = read_proxy_header(so_far);
    if (!header) return "refused";
    if (header->wants == 0) {
      std::string text = header->client ? header->client->to_string() : "own";
      return text + " rest " + std::to_string(stream.size() - so_far.size());
    }
    const std::size_t got = std::min({header->wants, step, stream.size() - so_far.size()});
    if (got == 0) return "incomplete";
    so_far += stream.substr(so_far.size(), got);
  }
}

struct Case {
  std::string header;
  std::string expected;  ///< Without " rest 0".
};

const std::vector<Case>& good() {
  static const std::vector<Case> kCases{
      {"PROXY TCP4 192.0.2.1 10.0.0.1 40000 25\r\n", "192.0.2.1:40000"},
      {"PROXY TCP4 1.1.1.1 1.1.1.1 0 0\r\n", "1.1.1.1:0"},
      {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"},
      {"PROXY TCP6 2001:db8::7 ::1 40001 25\r\n", "[2001:db8::7]:40001"},
      {"PROXY TCP6 ::ffff:192.0.2.1 ::1 7 25\r\n", "192.0.2.1:7"},
      {"PROXY UNKNOWN\r\n", "own"},
      {"PROXY UNKNOWN ffff:f:f:f:f:f:f:f ffff:f:f:f:f:f:f:f 65535 65535\r\n", "own"},
      {binary(0x21, 0x11, kFour), "192.0.2.1:40000"},
      {binary(0x21, 0x11, kFour + kTlv), "192.0.2.1:40000"},
      {binary(0x21, 0x21, kSix), "[2001:db8::7]:40001"},
      {binary(0x21, 0x21, kSix + kTlv), "[2001:db8::7]:40001"},
      {binary(0x21, 0x21, kMapped), "192.0.2.1:7"},
      {binary(0x21, 0x31, kUnixes), "own"},
      {binary(0x21, 0x00, ""), "own"},
      {binary(0x20, 0x00, ""), "own"},
      {binary(0x20, 0x11, kFour), "own"},
      {binary(0x20, 0xff, "whatever"), "own"},
      {binary(0x21, 0x11, kFour + std::string(2048 - 12, 't')), "192.0.2.1:40000"},
  };
  return kCases;
}

TEST(ProxyHeaderTest, tells_the_client_and_leaves_what_follows) {
  for (const auto& [header, expected] : good()) {
    EXPECT_EQ(read(header), expected + " rest 0");
    EXPECT_EQ(read(header + "EHLO x\r\n"), expected + " rest 8") << header;
    EXPECT_EQ(read(header + "\x16\x03\x01", 1), expected + " rest 3") << header;
  }
}

// B21.
TEST(ProxyHeaderTest, a_header_cut_anywhere_is_incomplete_and_never_a_client) {
  for (const Case& each : good()) {
    for (std::size_t size = 0; size < each.header.size(); ++size) {
      for (const std::size_t step : {1U, 7U, 100'000U}) {
        EXPECT_EQ(read(each.header.substr(0, size), step), "incomplete") << each.header << size;
      }
    }
  }
}

// B21.
TEST(ProxyHeaderTest, refuses_what_is_malformed_oversized_or_of_another_family) {
  const std::vector<std::string> bad{
      "EHLO x\r\n",
      "PROXYTCP4 192.0.2.1 10.0.0.1 40000 25\r\n",
      "proxy TCP4 192.0.2.1 10.0.0.1 40000 25\r\n",
      "PROXY tcp4 192.0.2.1 10.0.0.1 40000 25\r\n",
      "PROXY TCP4 2001:db8::7 ::1 40000 25\r\n",
      "PROXY TCP6 192.0.2.1 10.0.0.1 40000 25\r\n",
      "PROXY TCP4 192.0.2.1 ::1 40000 25\r\n",
      "PROXY TCP4 192.0.2.1 10.0.0.1 40000 65536\r\n",
      "PROXY TCP4 192.0.2.1 10.0.0.1 -1 25\r\n",
      "PROXY TCP4 192.0.2.1 10.0.0.1 +1 25\r\n",
      "PROXY TCP4 192.0.2.1 10.0.0.1 01 25\r\n",
      "PROXY TCP4 192.0.2.1 10.0.0.1 40000\r\n",
      "PROXY TCP4 192.0.2.1 10.0.0.1 40000 25 26\r\n",
      "PROXY TCP4  192.0.2.1 10.0.0.1 40000 25\r\n",
      "PROXY TCP4 192.0.2.1  10.0.0.1 40000 25\r\n",
      "PROXY TCP4 192.0.2.256 10.0.0.1 40000 25\r\n",
      "PROXY TCP4 192.0.2 10.0.0.1 40000 25\r\n",
      "PROXY TCP4 192.0.2.01 10.0.0.1 40000 25\r\n",
      "PROXY TCP4 localhost 10.0.0.1 40000 25\r\n",
      "PROXY TCP4\r\n               ",
      "PROXY TCP4 192.0.2.1 10.0.0.1 40000 25\n",
      "PROXY TCP4 192.0.2.1 10.0.0.1 40000 25\r\r\n",
      "PROXY TCP4 192.0.2.1\0 10.0.0.1 40000 25\r\n"s,
      "PROXY UNKNOWN " + std::string(200, 'x') + "\r\n",
      "PROXY UDP4 192.0.2.1 10.0.0.1 40000 25\r\n",
      "\r\n\r\nEHLO x\r\n",
      kMark.substr(0, 11) + "x" + "\x21\x11\0\0"s,
      binary(0x11, 0x11, kFour),
      binary(0x31, 0x11, kFour),
      binary(0x22, 0x11, kFour),
      binary(0x2f, 0x11, kFour),
      binary(0x21, 0x41, kFour),
      binary(0x21, 0x13, kFour),
      binary(0x21, 0x12, kFour),
      binary(0x21, 0x11, kFour.substr(0, 11)),
      binary(0x21, 0x21, kSix.substr(0, 35)),
      binary(0x21, 0x21, kFour),
      binary(0x21, 0x11, ""),
      binary(0x21, 0x11, kFour + std::string(2049 - 12, 't')),
      binary(0x20, 0x00, std::string(65535, 't')),
  };
  for (const std::string& header : bad) {
    EXPECT_EQ(read(header), "refused") << testing::PrintToString(header.substr(0, 80));
    EXPECT_EQ(read(header, 1), "refused") << testing::PrintToString(header.substr(0, 80));
  }
}

TEST(ProxyHeaderTest, refuses_at_the_first_octet_that_can_be_none) {
  EXPECT_FALSE(read_proxy_header("E"));
  EXPECT_FALSE(read_proxy_header("PROXX"));
  EXPECT_FALSE(read_proxy_header("\r\n\r\n\0\r\nQUIX"s));
  EXPECT_FALSE(read_proxy_header(kMark + "\x21\x11\xff\xff"));
}

}  // namespace
}  // namespace signet::accept
