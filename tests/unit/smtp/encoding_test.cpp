#include <gtest/gtest.h>

#include "relay/smtp/command.hpp"
#include "relay/smtp/utf8.hpp"

namespace signet::smtp {
namespace {

std::string every_octet() {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  return all;
}

TEST(Xtext, round_trips_every_octet) {
  EXPECT_EQ(decode_xtext(encode_xtext(every_octet())).value(), every_octet());
  EXPECT_EQ(encode_xtext("a+b=c d"), "a+2Bb+3Dc+20d");
}

TEST(Xtext, refuses_what_rfc_3461_does_not_allow) {
  for (const std::string_view bad : {"a+", "a+4", "a+4g", "a+2b", "a=b", "a b", "\x7f", "\xc3\xbc"})
    EXPECT_FALSE(decode_xtext(bad)) << bad;
}

TEST(Utf8Address, round_trips_and_is_ascii) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"a@b.example", "a@b.example"},
      {"a+b=c\\@b.example", R"(a\x{2B}b\x{3D}c\x{5C}@b.example)"},
      {"\xc3\xbc@b\xc3\xbc.example", R"(\x{FC}@b\x{FC}.example)"},
      {"\xe7\x94\xb2@b.example", R"(\x{7532}@b.example)"},
      {"\xf0\x9f\x93\xac@b.example", R"(\x{1F4EC}@b.example)"},
      {"\xf4\x8f\xbf\xbf", R"(\x{10FFFF})"},
  };
  for (const auto& [address, text] : rows) {
    EXPECT_EQ(encode_utf8_address(address), text);
    EXPECT_EQ(decode_utf8_address(text, false).value(), address);
  }
}

TEST(Utf8Address, is_utf8_itself_only_where_that_is_spoken) {
  EXPECT_EQ(decode_utf8_address("\xc3\xbc@b.example", true).value(), "\xc3\xbc@b.example");
  EXPECT_FALSE(decode_utf8_address("\xc3\xbc@b.example", false));
}

TEST(Utf8Address, refuses_what_rfc_6533_does_not_allow) {
  for (const std::string_view bad :
       {"", "a+2Bb", "a=b", "a b", "a\\b", R"(\x)", R"(\x{})", R"(\x{5)", R"(\x{5})", R"(\x{D800})",
        R"(\x{110000})", R"(\x{1234567})", R"(\x{0A})", R"(\x{7F})", R"(\x{-1})", "\xff", "\xc3"})
    EXPECT_FALSE(decode_utf8_address(bad, true)) << bad;
}

TEST(Base64, passes_the_vectors_of_rfc_4648) {
  const std::pair<std::string_view, std::string_view> rows[] = {{"", ""},
                                                                {"f", "Zg=="},
                                                                {"fo", "Zm8="},
                                                                {"foo", "Zm9v"},
                                                                {"foob", "Zm9vYg=="},
                                                                {"fooba", "Zm9vYmE="},
                                                                {"foobar", "Zm9vYmFy"}};
  for (const auto& [octets, text] : rows) {
    EXPECT_EQ(encode_base64(octets), text);
    EXPECT_EQ(decode_base64(text).value(), octets);
  }
  EXPECT_EQ(decode_base64(encode_base64(every_octet())).value(), every_octet());
}

TEST(Base64, is_strict) {
  for (const std::string_view bad : {"Z", "Zg", "Zg=", "Zg===", "=", "====", "Zm9v\n", " Zm9v",
                                     "Zm 9v", "Zm9-", "Zh==", "Zm9=", "Zg==Zg==", "Z===", "*"})
    EXPECT_FALSE(decode_base64(bad)) << bad;
}

TEST(Utf8, is_strict) {
  for (const std::string_view good : {"", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
                                      "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const std::string_view bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xc2z"})
    EXPECT_FALSE(is_utf8(bad)) << bad;
}

}  // namespace
}  // namespace signet::smtp
