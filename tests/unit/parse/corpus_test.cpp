#include <gtest/gtest.h>

#include <iostream>
#include <map>

#include "relay/parse/lines.hpp"
#include "relay/parse/parsed.hpp"
#include "tests/unit/parse/messages.hpp"

namespace signet::parse {
namespace {

std::string why(const Error& error) {
  return std::string(row(error.fault).name) + ": " + error.public_text();
}

void expect_fields_to_be_the_block(const MessageHeader& header) {
  std::size_t end = 0;
  for (const Field& field : header.fields()) {
    EXPECT_EQ(field.begin, end);
    EXPECT_EQ(header.name(field).size() + 1 + header.value(field).size() + 2,
              header.text(field).size());
    end = field.end;
  }
  EXPECT_EQ(end, header.block().size());
}

void expect_repairs_to_stay_parseable(MessageHeader header, const std::string& body) {
  (void)encode_eight_bit_header(header);
  const auto mended = reencode_long_lines(header, body);
  if (mended) EXPECT_FALSE(has_long_line(*mended));
  const auto again = MessageHeader::parse(header.block(), HeaderLimits{});
  EXPECT_TRUE(again) << again.error().detail;
}

class Corpus : public testing::TestWithParam<const char*> {};

TEST_P(Corpus, every_message_is_kept_octet_for_octet_or_refused_with_a_reason) {
  const auto folder = corpus();
  if (folder.empty()) GTEST_SKIP() << "no corpus: set SIGNET_CORPUS";
  std::map<std::string, std::vector<std::string>> refused;
  std::size_t read = 0;
  for (const auto& file : files_below(folder / GetParam())) {
    SCOPED_TRACE(file);
    ++read;
    const std::string name = std::filesystem::relative(file, folder);
    const auto [block, body] = cut(read_message(file));
    auto header = MessageHeader::parse(block, HeaderLimits{});
    if (!header) {
      refused[why(header.error())].push_back(name);
      continue;
    }
    EXPECT_EQ(header->block(), block);
    expect_fields_to_be_the_block(*header);
    if (const auto author = find_author(*header); !author)
      refused[why(author.error())].push_back(name);
    expect_repairs_to_stay_parseable(*header, body);
  }
  EXPECT_GT(read, 0U);
  for (const auto& [reason, names] : refused) {
    for (const auto& name : names) std::cout << "refused " << name << ": " << reason << '\n';
  }
}

INSTANTIATE_TEST_SUITE_P(Real, Corpus, testing::Values("mime", "mime-ruby"),
                         [](const auto& folder) {
                           return folder.param == std::string("mime") ? "mime" : "mime_ruby";
                         });

}  // namespace
}  // namespace signet::parse
