#include "relay/sign/canonicalisation.hpp"

#include <gtest/gtest.h>

namespace signet::sign {
namespace {

std::string sha256(std::string_view text) {
  Sha256 hash;
  hash.add(text);
  return hash.finish();
}

struct BodyCase {
  std::string_view body;
  std::string_view relaxed;
  std::string_view simple;
};

const std::vector<BodyCase> kBodies{
    {"", "", "\r\n"},
    {"\r\n", "", "\r\n"},
    {"\r\n\r\n\r\n", "", "\r\n"},
    {" \t\r\n \r\n", "", " \t\r\n \r\n"},
    {" C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n", " C \r\nD \t E\r\n"},  // RFC 6376 3.4.5
    {"a", "a\r\n", "a\r\n"},
    {"a ", "a\r\n", "a \r\n"},
    {"   ", "", "   \r\n"},
    {"\r\n\r\na\r\n\r\n\r\nb\r\n\r\n", "\r\n\r\na\r\n\r\n\r\nb\r\n", "\r\n\r\na\r\n\r\n\r\nb\r\n"},
    {"a\rb\nc\r\n", "a\rb\nc\r\n", "a\rb\nc\r\n"},
    {"a\r\r\n", "a\r\r\n", "a\r\r\n"},
    {"a \r \n b\r", "a \r \n b\r\r\n", "a \r \n b\r\r\n"},
    {"\xE4 \xFF\r\n", "\xE4 \xFF\r\n", "\xE4 \xFF\r\n"},
    {"a\t\t\tb\r\n\t\r\n", "a b\r\n", "a\t\t\tb\r\n\t\r\n"},
};

std::string hash_in_slices(Canonicalisation mode, std::string_view body, std::size_t first) {
  BodyHash hash(mode);
  hash.add(body.substr(0, first));
  hash.add(body.substr(first));
  return hash.finish();
}

TEST(BodyHashTest, follows_rfc_6376_wherever_the_body_is_cut) {
  for (const auto& [body, relaxed, simple] : kBodies) {
    for (std::size_t cut = 0; cut <= body.size(); ++cut) {
      EXPECT_EQ(hash_in_slices(Canonicalisation::relaxed, body, cut), sha256(relaxed))
          << testing::PrintToString(body) << " at " << cut;
      EXPECT_EQ(hash_in_slices(Canonicalisation::simple, body, cut), sha256(simple))
          << testing::PrintToString(body) << " at " << cut;
    }
  }
}

TEST(BodyHashTest, keeps_nul_octets) {
  constexpr std::string_view kBody("a\0 \0\r\n", 6);
  EXPECT_EQ(hash_in_slices(Canonicalisation::relaxed, kBody, 2), sha256(kBody));
}

TEST(BodyHashTest, counts_and_limits_canonical_octets) {
  for (const std::uint64_t limit : {0UL, 1UL, 4UL, 7UL, 100UL}) {
    BodyHash hash(Canonicalisation::relaxed, limit);
    hash.add("a  b\r\n\r\n\r\nc ");
    EXPECT_EQ(hash.finish(), sha256(std::string_view("a b\r\n\r\n\r\nc\r\n").substr(0, limit)));
    EXPECT_EQ(hash.size(), 12U);
  }
}

TEST(BodyHashTest, takes_runs_longer_than_its_buffer) {
  const std::string line(100'000, 'x');
  BodyHash hash(Canonicalisation::relaxed);
  hash.add("y " + line);
  hash.add(line + "\r\n");
  EXPECT_EQ(hash.finish(), sha256("y " + line + line + "\r\n"));
  EXPECT_EQ(hash.size(), 200'004U);
}

struct FieldCase {
  std::string_view field;
  std::string_view relaxed;
};

TEST(CanonicalHeaderTest, relaxes_a_field_as_rfc_6376_says) {
  for (const auto& [field, relaxed] : std::vector<FieldCase>{
           {"A: X\r\n", "a:X\r\n"},
           {"B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n"},
           {"Subject:\r\n\r\n", "subject:\r\n"},
           {"Subject:\r\n folded at once\r\n", "subject:folded at once\r\n"},
           {"S:a:b\r\n  \r\n", "s:a:b\r\n"},
           {"Cc:", "cc:\r\n"},
       }) {
    std::string out;
    append_canonical(out, Canonicalisation::relaxed, field);
    EXPECT_EQ(out, relaxed);
  }
}

TEST(CanonicalHeaderTest, takes_fields_from_the_bottom_and_each_once) {
  const auto fields = split_header("A: 1\r\nB: 2\r\na: 3\r\n", FieldLimits{});
  ASSERT_TRUE(fields);
  EXPECT_EQ(canonical_header(*fields, {"a", "b", "a", "a", "c"}, Canonicalisation::simple),
            "a: 3\r\nB: 2\r\nA: 1\r\n");
}

TEST(SplitHeaderTest, refuses_what_is_no_header) {
  for (const std::string_view bad :
       {"A: 1", "A: 1\n", "A\r\n", ": x\r\n", " A: 1\r\n", "A b: 1\r\n", "\r\n", "A\x80: 1\r\n"})
    EXPECT_FALSE(split_header(bad, FieldLimits{})) << bad;
  EXPECT_FALSE(split_header("A: 1\r\nB: 1\r\n", FieldLimits{.fields = 1}));
  EXPECT_FALSE(split_header("AB: 1\r\n", FieldLimits{.name_bytes = 1}));
  EXPECT_TRUE(split_header("", FieldLimits{}));
}

}  // namespace
}  // namespace signet::sign
