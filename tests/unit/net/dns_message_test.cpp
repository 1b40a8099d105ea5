#include "relay/net/dns_message.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace signet::net {
namespace {

using std::string;
using namespace std::string_literals;

string number16(unsigned value) {
  return {static_cast<char>(value >> 8U), static_cast<char>(value & 0xFFU)};
}
string number32(unsigned value) { return number16(value >> 16U) + number16(value & 0xFFFFU); }

string name(std::initializer_list<string> labels) {
  string wire;
  for (const auto& label : labels) wire += static_cast<char>(label.size()) + label;
  return wire + '\0';
}
string pointer(unsigned offset) { return number16(0xC000U | offset); }

string record(const string& owner, RecordType type, unsigned ttl, const string& rdata) {
  return owner + number16(static_cast<unsigned>(type)) + number16(1) + number32(ttl) +
         number16(static_cast<unsigned>(rdata.size())) + rdata;
}

string header(unsigned flags, unsigned answers, unsigned authorities = 0) {
  return number16(0) + number16(flags) + number16(1) + number16(answers) + number16(authorities) +
         number16(0);
}

constexpr unsigned kNoError = 0x8180;
constexpr unsigned kNxDomain = 0x8183;
constexpr unsigned kQuestionName = 12;  // Offset of the question's name.

string question(RecordType type) {
  return name({"Example", "COM"}) + number16(static_cast<unsigned>(type)) + number16(1);
}

TEST(DnsMessageTest, gives_the_records_of_the_question) {
  const auto packet = header(kNoError, 3) + question(RecordType::a) +
                      record(pointer(kQuestionName), RecordType::a, 300, "\1\2\3\4") +
                      record(name({"example", "com"}), RecordType::a, 200, "\5\6\7\10") +
                      record(name({"other", "com"}), RecordType::a, 1, "\1\1\1\1");
  const auto response = decode_response(packet, RecordType::a);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->rcode, 0U);
  EXPECT_TRUE(response->answer.exists);
  EXPECT_EQ(response->answer.records, (std::vector<string>{"\1\2\3\4", "\5\6\7\10"}));
  EXPECT_EQ(response->answer.canonical_name, "example.com");
  EXPECT_EQ(response->answer.ttl, std::chrono::seconds(200));
}

TEST(DnsMessageTest, follows_aliases_in_any_order) {
  const auto second = name({"b", "example", "com"});
  const auto third = name({"C", "example", "net"});
  const auto packet = header(kNoError, 3) + question(RecordType::txt) +
                      record(third, RecordType::txt, 300, "\2hi") +
                      record(second, RecordType::cname, 50, third) +
                      record(pointer(kQuestionName), RecordType::cname, 60, second);
  const auto response = decode_response(packet, RecordType::txt);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->answer.records, std::vector<string>{"\2hi"});
  EXPECT_EQ(response->answer.canonical_name, "c.example.net");
  EXPECT_EQ(response->answer.ttl, std::chrono::seconds(50));
}

TEST(DnsMessageTest, does_not_follow_the_alias_that_was_asked_for) {
  const auto target = name({"b", "example", "com"});
  const auto packet = header(kNoError, 1) + question(RecordType::cname) +
                      record(pointer(kQuestionName), RecordType::cname, 60, target);
  const auto response = decode_response(packet, RecordType::cname);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->answer.records, std::vector<string>{target});
  EXPECT_EQ(response->answer.canonical_name, "example.com");
}

TEST(DnsMessageTest, expands_compressed_names_in_rdata) {
  const auto rdata = number16(10) + "\2mx" + pointer(kQuestionName);
  const auto packet = header(kNoError, 1) + question(RecordType::mx) +
                      record(pointer(kQuestionName), RecordType::mx, 60, rdata);
  const auto response = decode_response(packet, RecordType::mx);
  ASSERT_TRUE(response);
  ASSERT_EQ(response->answer.records.size(), 1U);
  const auto mx = decode_mx(response->answer.records[0]);
  ASSERT_TRUE(mx);
  EXPECT_EQ(mx->preference, 10);
  EXPECT_EQ(mx->host, "mx.example.com");
}

string soa(unsigned minimum) {
  return name({"ns"}) + name({"hostmaster"}) + number32(1) + number32(2) + number32(3) +
         number32(4) + number32(minimum);
}

TEST(DnsMessageTest, a_denial_lives_as_long_as_the_soa_says) {
  for (const unsigned flags : {kNxDomain, kNoError}) {
    const auto packet = header(flags, 0, 1) + question(RecordType::a) +
                        record(name({"com"}), RecordType::soa, 900, soa(120));
    const auto response = decode_response(packet, RecordType::a);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->answer.exists, flags == kNoError);
    EXPECT_TRUE(response->answer.records.empty());
    EXPECT_EQ(response->answer.ttl, std::chrono::seconds(120));
  }
}

TEST(DnsMessageTest, a_ttl_with_the_top_bit_is_zero) {
  const auto packet = header(kNoError, 1) + question(RecordType::a) +
                      record(pointer(kQuestionName), RecordType::a, 0x80000001U, "\1\2\3\4");
  EXPECT_EQ(decode_response(packet, RecordType::a)->answer.ttl, std::chrono::seconds(0));
}

TEST(DnsMessageTest, every_truncation_is_malformed) {
  const auto packet = header(kNoError, 1, 1) + question(RecordType::mx) +
                      record(pointer(kQuestionName), RecordType::mx, 60,
                             number16(10) + "\2mx" + pointer(kQuestionName)) +
                      record(name({"com"}), RecordType::soa, 900, soa(120));
  ASSERT_TRUE(decode_response(packet, RecordType::mx));
  for (std::size_t size = 0; size < packet.size(); ++size) {
    EXPECT_FALSE(decode_response(string(packet, 0, size), RecordType::mx)) << size;
  }
}

TEST(DnsMessageTest, survives_any_octet_being_any_other) {
  const auto packet = header(kNoError, 2, 1) + question(RecordType::mx) +
                      record(pointer(kQuestionName), RecordType::cname, 60, name({"b"})) +
                      record(name({"b"}), RecordType::mx, 60, number16(10) + pointer(12)) +
                      record(name({"com"}), RecordType::soa, 900, soa(120));
  std::size_t decoded = 0;
  for (std::size_t at = 0; at < packet.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      auto changed = packet;
      changed[at] = static_cast<char>(value);
      if (decode_response(changed, RecordType::mx)) ++decoded;
    }
  }
  EXPECT_GT(decoded, packet.size());
  EXPECT_LT(decoded, packet.size() * 256);
}

TEST(DnsMessageTest, refuses_what_does_not_fit) {
  const auto asked = question(RecordType::cname);
  const auto self = static_cast<unsigned>(header(0, 0).size() + asked.size());
  const std::vector<std::pair<string, string>> cases{
      {"a pointer to itself",
       header(kNoError, 1) + asked + record(pointer(self), RecordType::a, 1, "\1\2\3\4")},
      {"a pointer forward",
       header(kNoError, 1) + asked + record(pointer(self + 2), RecordType::a, 1, "\1\2\3\4")},
      {"an extended label", header(kNoError, 1) + asked +
                                record("\x41"
                                       "a\0"s,
                                       RecordType::a, 1, "\1\2\3\4")},
      {"rdata longer than its name",
       header(kNoError, 1) + asked + record(name({"a"}), RecordType::ns, 1, name({"b"}) + "x")},
      {"rdata shorter than its name",
       header(kNoError, 1) + asked + record(name({"a"}), RecordType::ns, 1, "\1") + "b\0"s},
      {"a short MX", header(kNoError, 1) + asked + record(name({"a"}), RecordType::mx, 1, "\1")},
      {"no question", number16(0) + number16(kNoError) + string(8, '\0')},
      {"an alias that bites its tail", header(kNoError, 1) + question(RecordType::a) +
                                           record(pointer(12), RecordType::cname, 1, pointer(12))},
  };
  for (const auto& [what, packet] : cases) {
    EXPECT_FALSE(decode_response(packet, RecordType::a)) << what;
  }
}

TEST(DnsMessageTest, refuses_names_over_255_octets) {
  const string label(63, 'a');
  EXPECT_TRUE(name_from_wire(name({label, label, label, string(61, 'a')})));
  EXPECT_FALSE(name_from_wire(name({label, label, label, string(62, 'a')})));
}

struct RdataCase {
  string rdata;
  std::optional<string> text;
};

TEST(RdataTest, decodes_names) {
  const std::vector<RdataCase> cases{{"\3MX1\7example\3com\0"s, "mx1.example.com"},
                                     {"\0"s, ""},
                                     {"\4_dns\0"s, "_dns"},
                                     {"", std::nullopt},
                                     {"\3abc", std::nullopt},
                                     {"\3ab\0"s, std::nullopt},
                                     {"\1a\0x"s, std::nullopt},
                                     {"\xC0\x0C"s, std::nullopt},
                                     {"\3a.b\0"s, std::nullopt},
                                     {"\2a \0"s, std::nullopt},
                                     {"\2a\xE9\0"s, std::nullopt},
                                     {"\2a\\\0"s, std::nullopt}};
  for (const auto& test : cases) {
    EXPECT_EQ(decode_name(test.rdata), test.text) << testing::PrintToString(test.rdata);
  }
}

TEST(RdataTest, decodes_mx_with_the_null_mx) {
  EXPECT_EQ(decode_mx("\0\0\0"s)->host, "");
  EXPECT_EQ(decode_mx("\0\0\0"s)->preference, 0);
  EXPECT_EQ(decode_mx("\1\2\1A\0"s)->host, "a");
  EXPECT_EQ(decode_mx("\1\2\1A\0"s)->preference, 258);
  EXPECT_FALSE(decode_mx(""));
  EXPECT_FALSE(decode_mx("\0\12"s));
  EXPECT_FALSE(decode_mx("\0\12\1a"s));
}

TEST(RdataTest, decodes_addresses_by_their_length) {
  EXPECT_EQ(decode_address("\x7F\0\0\1"s)->to_string(), "127.0.0.1");
  EXPECT_EQ(decode_address(string(15, '\0') + '\1')->to_string(), "::1");
  EXPECT_FALSE(decode_address(""));
  EXPECT_FALSE(decode_address("\1\2\3"));
  EXPECT_FALSE(decode_address(string(5, '\1')));
}

TEST(RdataTest, joins_the_strings_of_txt) {
  const std::vector<RdataCase> cases{{"\2ab\2cd", "abcd"},  {"\0"s, ""},
                                     {"\0\1a"s, "a"},       {"", std::nullopt},
                                     {"\2a", std::nullopt}, {"\1a\1", std::nullopt},
                                     {"\3a\0b"s, "a\0b"s}};
  for (const auto& test : cases) {
    EXPECT_EQ(decode_txt(test.rdata), test.text) << testing::PrintToString(test.rdata);
  }
}

}  // namespace
}  // namespace signet::net
