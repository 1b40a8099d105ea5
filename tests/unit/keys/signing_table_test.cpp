#include "keys/signing_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace signet::keys {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Domain> domains(std::initializer_list<std::string_view> names) {
  std::vector<Domain> made;
  for (const auto name : names) made.push_back(std::move(*Domain::parse(name)));
  return made;
}

/// "author d= s=" of each rule.
std::vector<std::string> said(const ImportRules& rules) {
  std::vector<std::string> lines;
  for (const auto& rule : rules.rules) {
    std::string line = rule.author.text();
    for (const auto& key : rule.keys)
      line += " " + key.domain.text() + ":" + key.selector + ":" + key.file.string();
    lines.push_back(std::move(line));
  }
  return lines;
}

SigningTables tables(bool patterns,
                     std::initializer_list<std::pair<const char*, const char*>> signing) {
  SigningTables made{.is_pattern_table = patterns};
  for (const auto& [pattern, name] : signing)
    made.signing.push_back({pattern, name, "T:" + std::to_string(made.signing.size() + 1)});
  made.keys = {{"main", {"example.com", "s1", "/k/main"}},
               {"other", {"other.example", "s2", "/k/other"}},
               {"news", {"news.example.com", "n1", "/k/news"}},
               {"any", {"%", "s3", "/k/%/s3"}},
               {"inline", {"example.com", "s4", "MIIEow"}}};
  return made;
}

TEST(SigningTableTest, patterns_match_as_a_whole) {
  EXPECT_TRUE(matches_pattern("*@example.com", "a@example.com"));
  EXPECT_TRUE(matches_pattern("*", ""));
  EXPECT_TRUE(matches_pattern("a*b*c", "aXbXbc"));
  EXPECT_FALSE(matches_pattern("*@example.com", "a@example.com.evil"));
  EXPECT_FALSE(matches_pattern("a*b", "acbd"));
}

TEST(SigningTableTest, a_pattern_of_one_domain_becomes_a_rule) {
  const auto rules =
      resolve_tables(tables(true, {{"*@Example.COM", "main"}, {"*@other.example", "other"}}), {});
  EXPECT_THAT(said(rules), ElementsAre("example.com example.com:s1:/k/main",
                                       "other.example other.example:s2:/k/other"));
  EXPECT_THAT(rules.refusals, IsEmpty());
}

TEST(SigningTableTest, the_first_pattern_that_matches_signs) {
  const auto first = tables(true, {{"*@*example.com", "other"}, {"*@example.com", "main"}});
  EXPECT_THAT(said(resolve_tables(first, {})),
              ElementsAre("example.com other.example:s2:/k/other"));
  auto all = first;
  all.all_matches = true;
  EXPECT_THAT(said(resolve_tables(all, {})),
              ElementsAre("example.com other.example:s2:/k/other example.com:s1:/k/main"));
}

TEST(SigningTableTest, what_covers_unnamed_domains_is_refused_until_they_are_named) {
  const auto open = tables(true, {{"*@*.example.com", "main"}});
  const auto refused = resolve_tables(open, {});
  EXPECT_THAT(refused.rules, IsEmpty());
  EXPECT_THAT(refused.refusals, ElementsAre(HasSubstr("T:1: *@*.example.com covers domains")));
  const auto named = resolve_tables(open, domains({"a.example.com", "unrelated.example"}));
  EXPECT_THAT(said(named), ElementsAre("a.example.com example.com:s1:/k/main"));
  EXPECT_THAT(named.refusals, IsEmpty());
}

TEST(SigningTableTest, a_line_about_no_domain_name_is_not_lost_in_silence) {
  for (const bool patterns : {true, false}) {
    const auto rules = resolve_tables(tables(patterns, {{"*@a..example", "main"}}), {});
    EXPECT_THAT(said(rules), IsEmpty());
    EXPECT_THAT(rules.refusals, ElementsAre("T:1: *@a..example is about no domain name"));
  }
}

TEST(SigningTableTest, a_percent_sign_is_the_authors_domain) {
  const auto rules = resolve_tables(tables(true, {{"*", "any"}}), domains({"b.example"}));
  EXPECT_THAT(said(rules), ElementsAre("b.example b.example:s3:/k/b.example/s3"));
  auto by_name = tables(false, {{"example.com", "%"}});
  by_name.keys.emplace("example.com", SigningTables::Key{"%", "p", "/k/p"});
  EXPECT_THAT(said(resolve_tables(by_name, {})), ElementsAre("example.com example.com:p:/k/p"));
}

TEST(SigningTableTest, what_goes_by_the_local_part_is_refused) {
  for (const bool patterns : {true, false}) {
    const auto alone = resolve_tables(tables(patterns, {{"alice@example.com", "main"}}), {});
    EXPECT_THAT(alone.rules, IsEmpty());
    EXPECT_THAT(alone.refusals, ElementsAre(HasSubstr("some senders of example.com")));
  }
  const auto differs =
      resolve_tables(tables(true, {{"a*@example.com", "other"}, {"*@example.com", "main"}}), {});
  EXPECT_THAT(differs.rules, IsEmpty());
  EXPECT_THAT(differs.refusals, ElementsAre(HasSubstr("T:1")));
  const auto same =
      resolve_tables(tables(true, {{"a*@example.com", "main"}, {"*@example.com", "main"}}), {});
  EXPECT_THAT(said(same), ElementsAre("example.com example.com:s1:/k/main"));
  const auto after =
      resolve_tables(tables(true, {{"*@example.com", "main"}, {"a@example.com", "other"}}), {});
  EXPECT_THAT(said(after), ElementsAre("example.com example.com:s1:/k/main"));
}

TEST(SigningTableTest, other_tables_are_asked_from_the_exact_name_to_the_star) {
  const auto table =
      tables(false, {{"*", "other"}, {".example.com", "main"}, {"news.example.com", "news"}});
  EXPECT_THAT(
      said(resolve_tables(table, domains({"a.b.example.com", "c.example"}))),
      ElementsAre("a.b.example.com example.com:s1:/k/main", "c.example other.example:s2:/k/other",
                  "news.example.com news.example.com:n1:/k/news"));
  EXPECT_THAT(resolve_tables(table, {}).refusals,
              ElementsAre(HasSubstr("T:1"), HasSubstr("T:2: .example.com")));
}

TEST(SigningTableTest, a_missing_key_and_one_that_stands_in_the_table_are_refused) {
  const auto rules =
      resolve_tables(tables(true, {{"*@a.example", "nobody"}, {"*@b.example", "inline"}}), {});
  EXPECT_THAT(rules.rules, IsEmpty());
  EXPECT_THAT(rules.refusals,
              ElementsAre(HasSubstr("the key nobody"), HasSubstr("stands in the table")));
}

TEST(SigningTableTest, where_the_order_is_unknown_two_matches_are_refused) {
  auto table = tables(true, {{"*@example.com", "main"}, {"*", "other"}});
  table.order_is_unknown = true;
  const auto rules = resolve_tables(table, domains({"c.example"}));
  EXPECT_THAT(said(rules), ElementsAre("c.example other.example:s2:/k/other"));
  EXPECT_THAT(rules.refusals, ElementsAre(HasSubstr("one of several patterns")));
}

}  // namespace
}  // namespace signet::keys
