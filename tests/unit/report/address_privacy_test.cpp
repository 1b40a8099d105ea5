#include "relay/report/address_privacy.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/scratch_folder.hpp"

namespace signet::report {
namespace {

struct Case {
  std::string line;
  std::string cut;
};

TEST(RedactAddressesTest, cuts_every_address_in_a_line_and_nothing_else) {
  const std::vector<Case> cases{
      {R"({"sender":"<alice@example.com>"})", R"({"sender":"<@example.com>"})"},
      {R"({"a":"x+y.z@a.example","b":"q@b.example"})", R"({"a":"@a.example","b":"@b.example"})"},
      {R"({"a":"\"a b\"@a.example"})", R"({"a":"@a.example"})"},
      {R"({"a":"jos)"
       "\xC3\xA9"
       R"(@a.example"})",
       R"({"a":"@a.example"})"},
      {R"({"a":"at @ alone, or @b, or a@"})", R"({"a":"at @ alone, or @b, or a@"})"},
      {R"({"a":"a@b@c.example"})", R"({"a":"@@c.example"})"},
      {R"({"a":"\"one \\\"two\"@a.example"})", R"({"a":"@a.example"})"},
      {R"({"a":"\"one\\\\\"@a.example"})", R"({"a":"@a.example"})"},
      {R"({"a":"\"one@inner part\"@a.example"})", R"({"a":"@a.example"})"},
      {R"({"a":"x.\"one two\".y@a.example"})", R"({"a":"@a.example"})"},
      {R"({"a":"so \"x@a.example\" said"})", R"({"a":"so \"@a.example\" said"})"},
      {R"({"a":"no quote before\"@a.example"})", R"({"a":"@a.example"})"},
      {R"({"a":"x@[192.0.2.1], y@[IPv6:2001:db8::1]"})",
       R"({"a":"@[192.0.2.1], @[IPv6:2001:db8::1]"})"},
      {R"({"a":"see https://spf.example/why?id=x%40a.example;ip=192.0.2.1"})",
       R"({"a":"see https:%40a.example;ip=192.0.2.1"})"},
      {R"({"from_domain":"example.com"})", R"({"from_domain":"example.com"})"},
      {R"({"a":"\u000aalice@a.example."})", R"({"a":"\u000a@a.example."})"},
      {R"({"a":"\\u1@a.example"})", R"({"a":"\\@a.example"})"},
      {"@", "@"},
      {"", ""},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(redact_addresses(each.line, {.addresses = Addresses::domain}), each.cut);
    EXPECT_EQ(redact_addresses(each.line, {.addresses = Addresses::whole}), each.line);
  }
}

TEST(RedactAddressesTest, gives_a_person_one_hash_under_one_key) {
  const AddressPrivacy mine{.addresses = Addresses::hashed, .key = std::string(32, 'k')};
  const AddressPrivacy other{.addresses = Addresses::hashed, .key = std::string(32, 'o')};
  const std::string hashed = redact_addresses("alice@example.com", mine);
  EXPECT_EQ(hashed.size(), 16 + std::string("@example.com").size());
  EXPECT_TRUE(hashed.ends_with("@example.com"));
  EXPECT_EQ(redact_addresses("ALICE@example.com", mine).substr(0, 16), hashed.substr(0, 16));
  EXPECT_NE(redact_addresses("bob@example.com", mine), hashed);
  EXPECT_NE(redact_addresses("alice@example.com", other), hashed);
}

TEST(PlainTargetTest, keeps_nothing_that_hides_an_address) {
  constexpr std::size_t kMost = 20;
  EXPECT_EQ(plain_target("/v1/explain", kMost), "/v1/explain");
  EXPECT_EQ(plain_target("/v1/explain?from=secret%2540example.com", kMost), "/v1/explain");
  EXPECT_EQ(plain_target("/v1/keys/secret%2540a.example/rotate", 100), "/v1/keys/");
  EXPECT_EQ(plain_target("/v1/keys/12345/secret@a.example", kMost), "/v1/keys/12345/");
  EXPECT_EQ(plain_target("secret%40a.example", kMost), "");
  EXPECT_EQ(plain_target("", kMost), "");
}

TEST(AddressKeyTest, is_made_once_and_then_the_same) {
  const test::ScratchFolder directory;
  const auto first = address_key(directory / "key");
  const auto second = address_key(directory / "key");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(first->size(), 32U);
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(directory / "key").permissions(),
            perms::owner_read | perms::owner_write);
  std::ofstream(directory / "key") << "short";
  EXPECT_FALSE(address_key(directory / "key").has_value());
  EXPECT_FALSE(address_key(directory / "missing" / "key").has_value());
}

}  // namespace
}  // namespace signet::report
