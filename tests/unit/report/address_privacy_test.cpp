#include "relay/report/address_privacy.hpp"

#include <gtest/gtest.h>

#include <fstream>

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
      {R"({"a":"a@b@c.example"})", R"({"a":"@b@c.example"})"},
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

TEST(AddressKeyTest, is_made_once_and_then_the_same) {
  std::string pattern = ::testing::TempDir() + "/address-key-XXXXXX";
  const std::filesystem::path directory = ::mkdtemp(pattern.data());
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
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace signet::report
