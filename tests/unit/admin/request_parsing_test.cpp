// What a request is made of, parsed strictly: target, body, token, file of tokens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "relay/admin/paging.hpp"
#include "relay/admin/request_body.hpp"
#include "relay/admin/request_target.hpp"
#include "relay/admin/tokens.hpp"
#include "tests/support/scratch_folder.hpp"

namespace signet::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

TEST(RequestTargetTest, takes_path_and_query_apart) {
  const auto target = parse_target("/v1/keys/a%2Eexample?limit=1%30&after=b+c");
  ASSERT_TRUE(target.has_value());
  EXPECT_THAT(target->segments, ElementsAre("v1", "keys", "a.example"));
  EXPECT_THAT(target->parameters, ElementsAre(Pair("after", "b+c"), Pair("limit", "10")));
}

TEST(RequestTargetTest, an_escaped_slash_is_no_separator) {
  const auto target = parse_target("/v1/keys/..%2F..%2Fetc");
  ASSERT_TRUE(target.has_value());
  EXPECT_THAT(target->segments, ElementsAre("v1", "keys", "../../etc"));
}

TEST(RequestTargetTest, refuses_what_could_be_read_in_two_ways) {
  for (const std::string text :
       {"", "v1", "/v1/", "/v1//queue", "/v1/../v1/queue", "/v1/%2e%2e/queue", "/v1/./queue",
        "/v1/%", "/v1/%4", "/v1/%zz", "/v1/%00", "/v1/a%0d%0ab", "/v1?", "/v1?limit", "/v1?=1",
        "/v1?a=1&a=2", "/v1?a=%0", "/v1?a=%0a", "/a/b/c/d/e/f/g/h/i"}) {
    const auto target = parse_target(text);
    const bool is_empty_query = text == "/v1?";
    EXPECT_EQ(target.has_value(), is_empty_query) << text;
    if (!target) EXPECT_EQ(target.error().fault, Fault::bad_parameter);
  }
  EXPECT_FALSE(parse_target("/" + std::string(5000, 'x')).has_value());
  std::string many = "/v1?p0=";
  for (int i = 1; i < 20; ++i) many += "&p" + std::to_string(i) + "=";
  EXPECT_FALSE(parse_target(many).has_value());
}

TEST(RequestTargetTest, a_value_survives_its_encoding) {
  std::string all;
  for (int c = 0x20; c < 0x7F; ++c) all += static_cast<char>(c);
  all += "ü";
  const auto target = parse_target("/v1?a=" + encode_value(all) + "&b=");
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->parameters.at("a"), all);
}

const std::vector<Member> kMembers{
    {"reason"}, {"unproven", Member::Kind::flag}, {"pem", Member::Kind::lines}};

TEST(RequestBodyTest, reads_the_members_it_knows) {
  const auto body = parse_body(R"({"reason":"looks \"odd\" ü","unproven":true})", kMembers);
  ASSERT_TRUE(body.has_value());
  EXPECT_EQ(body->text("reason"), "looks \"odd\" ü");
  EXPECT_TRUE(body->flag("unproven"));
  for (const char* empty : {"", "{}"}) {
    const auto none = parse_body(empty, kMembers);
    ASSERT_TRUE(none.has_value());
    EXPECT_EQ(none->text("reason"), "");
    EXPECT_FALSE(none->flag("unproven"));
  }
}

TEST(RequestBodyTest, lines_may_end) {
  const std::string key = "-----BEGIN\\n" + std::string(4000, 'x') + "\\r\\n";
  const auto body = parse_body(R"({"pem":")" + key + "\"}", kMembers);
  ASSERT_TRUE(body.has_value()) << body.error().detail;
  EXPECT_EQ(body->text("pem"), "-----BEGIN\n" + std::string(4000, 'x') + "\r\n");
}

TEST(RequestBodyTest, refuses_all_else_and_says_why) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"looks odd", "not a JSON object"},
      {"[]", "not a JSON object"},
      {"null", "not a JSON object"},
      {"{\"reason\":\"x\"", "not a JSON object"},
      {"{\"reason\":\"x\"} {}", "not a JSON object"},
      {std::string(60000, '['), "not a JSON object"},
      {std::string("{\"reason\":\"x\"}\0", 15), "not a JSON object"},
      {std::string("{\"reason\":\"x\"}\0{}", 17), "not a JSON object"},
      {"{\"reason\":\"\xff\"}", "not a JSON object"},
      {R"({"reasons":"x"})", "it takes reason, unproven, pem"},
      {R"({"reason":"x","reason":"y"})", "twice"},
      {R"({"reason":5})", "'reason' is a string"},
      {R"({"reason":null})", "'reason' is a string"},
      {R"({"reason":"a\r\nb"})", "'reason' is a string"},
      {R"({"reason":")" + std::string(501, 'x') + "\"}", "'reason' is a string"},
      {"{\"reason\":\"a\u009b31mb\"}", "'reason' is a string"},
      {"{\"reason\":\"a\u202eb\"}", "'reason' is a string"},
      {R"({"pem":"a\tb"})", "'pem' is a string of at most 8192"},
      {R"({"pem":")" + std::string(8193, 'x') + "\"}", "'pem' is a string"},
      {R"({"unproven":"yes"})", "true or false"}};
  for (const auto& [text, words] : cases) {
    const auto body = parse_body(text, kMembers);
    ASSERT_FALSE(body.has_value()) << text.substr(0, 60);
    EXPECT_EQ(body.error().fault, Fault::bad_parameter);
    EXPECT_THAT(body.error().public_text(), HasSubstr(words)) << text.substr(0, 60);
  }
  EXPECT_THAT(parse_body(R"({"x":1})", {}).error().public_text(), HasSubstr("it takes none"));
}

TEST(PagingTest, limits_are_numbers_in_range) {
  EXPECT_EQ(page_limit({}).value(), 100U);
  EXPECT_EQ(page_limit({{"limit", "1000"}}).value(), 1000U);
  for (const char* wrong : {"0", "1001", "-1", "+5", " 5", "5 ", "0x5", "", "99999999999999999999"})
    EXPECT_FALSE(page_limit({{"limit", wrong}}).has_value()) << wrong;
}

TEST(BearerTokenTest, takes_one_scheme_and_one_token) {
  EXPECT_EQ(bearer_token("Bearer abc-._~+/="), "abc-._~+/=");
  EXPECT_EQ(bearer_token("bEARER x"), "x");
  for (const std::string wrong : {"", "Bearer", "Bearer ", "Basic abc", "Bearerabc", "Bearer a b",
                                  "Bearer  a", "Bearer a,b", "Bearer a\tb"})
    EXPECT_EQ(bearer_token(wrong), std::nullopt) << wrong;
  EXPECT_EQ(bearer_token("Bearer " + std::string(513, 'x')), std::nullopt);
}

TEST(TokensTest, a_new_token_is_found_by_its_line) {
  const auto reader = make_token("grafana", Scope::read);
  const auto writer = make_token("deploy", Scope::write);
  ASSERT_TRUE(reader.has_value() && writer.has_value());
  EXPECT_NE(reader->token, writer->token);
  EXPECT_THAT(reader->line, Not(HasSubstr(reader->token.substr(7))));
  const auto tokens =
      Tokens::parse("# who may ask\n\n" + reader->line + "\r\n  \t\n\t" + writer->line);
  ASSERT_TRUE(tokens.has_value());
  ASSERT_EQ(tokens->size(), 2U);
  ASSERT_NE(tokens->find(reader->token), nullptr);
  EXPECT_EQ(tokens->find(reader->token)->name, "grafana");
  EXPECT_EQ(tokens->find(reader->token)->scope, Scope::read);
  EXPECT_EQ(tokens->find(writer->token)->scope, Scope::write);
  EXPECT_EQ(tokens->find(""), nullptr);
  EXPECT_EQ(tokens->find(reader->token + "x"), nullptr);
  EXPECT_EQ(tokens->find(reader->line.substr(13)), nullptr) << "the hash is no token";
}

TEST(TokensTest, a_wrong_line_is_named_by_its_number_and_not_repeated) {
  const std::string hash(64, 'a');
  for (const std::string& wrong : std::vector<std::string>{
           "deploy", "deploy write", "deploy write abc", "deploy write " + hash + "a",
           "deploy admin " + hash, "de/ploy write " + hash, "deploy write " + hash + " more",
           "deploy write " + std::string(64, 'g'), std::string(65, 'x') + " read " + hash,
           "first read " + hash}) {
    const auto tokens = Tokens::parse("first read " + hash + "\n" + wrong + "\n");
    ASSERT_FALSE(tokens.has_value()) << wrong;
    EXPECT_EQ(tokens.error().fault, Fault::configuration);
    EXPECT_THAT(tokens.error().detail, HasSubstr("line 2: "));
    EXPECT_THAT(tokens.error().detail, Not(HasSubstr(hash)));
  }
}

TEST(TokensTest, a_file_that_others_may_read_is_refused) {
  const test::ScratchFolder folder;
  const auto file = folder.write("admin.tokens", "deploy write " + std::string(64, 'a') + "\n");
  for (const auto& [mode, is_fine] : {std::pair(0600U, true), std::pair(0640U, true),
                                      std::pair(0644U, false), std::pair(0660U, false)}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    EXPECT_EQ(Tokens::load(file).has_value(), is_fine) << std::oct << mode;
  }
  std::filesystem::remove(file);
  EXPECT_FALSE(Tokens::load(file).has_value());
}

}  // namespace
}  // namespace signet::admin
