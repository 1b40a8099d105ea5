#include "relay/smtp/data.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <vector>

namespace signet::smtp {
namespace {

struct Outcome {
  std::string text;
  std::size_t consumed = 0;
  bool ended = false;
  std::optional<Fault> fault;
  bool repaired = false;
  bool long_line = false;
  bool eight_bit = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << testing::PrintToString(outcome.text) << " consumed " << outcome.consumed << " ended "
       << outcome.ended << " fault " << (outcome.fault ? row(*outcome.fault).name : "none");
}

// What was decoded before a fault depends on the cut, and nobody may use it.
Outcome decode(std::string_view input, std::size_t cut, DataDecoder::Options options) {
  DataDecoder decoder(options);
  Outcome outcome;
  for (std::size_t at = 0; at < input.size() && !outcome.ended; at += cut) {
    const auto step = decoder.decode(input.substr(at, cut), outcome.text);
    if (!step) return Outcome{.text = {}, .fault = step.error().fault};
    outcome.consumed += step->consumed;
    outcome.ended = step->ended;
  }
  outcome.repaired = decoder.repaired_bare_lf();
  outcome.long_line = decoder.saw_long_line();
  outcome.eight_bit = decoder.saw_eight_bit();
  return outcome;
}

// Whole, and cut in every way that a short input allows: all must agree.
Outcome decode_any_way(std::string_view input, DataDecoder::Options options = {}) {
  const Outcome whole = decode(input, std::max<std::size_t>(input.size(), 1), options);
  for (std::size_t cut = 1; cut < std::min<std::size_t>(input.size(), 40); ++cut)
    EXPECT_EQ(decode(input, cut, options), whole) << "cut every " << cut;
  return whole;
}

TEST(DataDecoder, ends_at_crlf_dot_crlf_and_leaves_the_rest) {
  const auto outcome = decode_any_way("A: b\r\n\r\ntext\r\n.\r\nQUIT\r\n");
  EXPECT_TRUE(outcome.ended);
  EXPECT_EQ(outcome.text, "A: b\r\n\r\ntext\r\n");
  EXPECT_EQ(outcome.consumed, 17U);
}

TEST(DataDecoder, a_dot_line_at_once_is_an_empty_message) {
  const auto outcome = decode_any_way(".\r\n");
  EXPECT_TRUE(outcome.ended);
  EXPECT_EQ(outcome.text, "");
}

TEST(DataDecoder, removes_one_leading_dot_once) {
  EXPECT_EQ(decode_any_way("..\r\n...\r\n.a\r\nb.\r\n.\r\n").text, ".\r\n..\r\na\r\nb.\r\n");
}

TEST(DataDecoder, waits_for_the_rest) {
  for (const std::string_view part : {"a", "a\r", "a\r\n", "a\r\n.", "a\r\n.\r"}) {
    const auto outcome = decode_any_way(part);
    EXPECT_FALSE(outcome.ended);
    EXPECT_FALSE(outcome.fault);
    EXPECT_EQ(outcome.consumed, part.size());
  }
}

// A whole message framed by size, decoded in pieces of `cut` octets.
Result<std::string> decode_sized(std::string_view input, std::size_t cut, bool repair = false) {
  DataDecoder decoder({.repair_bare_lf = repair, .by_size = true});
  std::string text;
  for (std::size_t at = 0; at < input.size(); at += cut) {
    const auto step = decoder.decode(input.substr(at, cut), text);
    if (!step) return step.failure();
    EXPECT_FALSE(step->ended);
    EXPECT_EQ(step->consumed, std::min(cut, input.size() - at));
  }
  const auto finished = decoder.finish(text);
  if (!finished) return finished.failure();
  return text;
}

TEST(DataDecoder, a_dot_is_a_dot_where_the_size_is_known) {
  for (const std::string_view text :
       {"", ".\r\n", "..\r\n", "A: b\r\n\r\n.\r\nMAIL\r\n", ".a\r\n..b\r\n.\r\n.\r\n"}) {
    for (std::size_t cut = 1; cut < 20; ++cut)
      EXPECT_EQ(decode_sized(text, cut).value(), text) << "cut every " << cut;
  }
}

TEST(DataDecoder, a_missing_last_line_end_is_added_where_the_size_is_known) {
  for (std::size_t cut = 1; cut < 10; ++cut) {
    EXPECT_EQ(decode_sized("a\r\n.", cut).value(), "a\r\n.\r\n");
    EXPECT_EQ(decode_sized("a", cut).value(), "a\r\n");
  }
}

TEST(DataDecoder, bare_newlines_and_nul_are_refused_where_the_size_is_known) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {"a\nb\r\n"sv, "a\rb\r\n"sv, "a\r"sv, "a\n"sv, "\r\r\n"sv,
                                      "\n"sv, "\n.\r\n"sv, "\r\n.\n"sv, "a\r\n.\r"sv}) {
    for (std::size_t cut = 1; cut < 10; ++cut)
      EXPECT_EQ(decode_sized(text, cut).error().fault, Fault::bare_newline) << cut;
  }
  EXPECT_EQ(decode_sized("a\0b\r\n"sv, 100).error().fault, Fault::nul_in_message);
}

TEST(DataDecoder, repairs_bare_lf_where_the_size_is_known) {
  for (std::size_t cut = 1; cut < 10; ++cut)
    EXPECT_EQ(decode_sized("a\n.\n..b\n.", cut, true).value(), "a\r\n.\r\n..b\r\n.\r\n");
}

// The list of the public scanners for SMTP smuggling (CVE-2023-51764, -51765, -51766).
const std::vector<std::string> kFalseEnds{
    "\n.\n",         "\n.\r",   "\r.\n",   "\r.\r",     "\n.\r\n",   "\r.\r\n",     "\r\n.\r\r\n",
    "\r\r\n.\r\r\n", "\r\n.\r", "\r\n.\n", "\r\r.\r\n", "\n\n.\r\n", "\r\n\r.\r\n", "\r\n.\r\r",
};

TEST(DataDecoder, every_false_end_of_data_is_a_bare_newline) {
  for (const std::string& end : kFalseEnds) {
    const auto outcome =
        decode_any_way("Subject: x\r\n\r\nbody" + end + "MAIL FROM:<admin@b.example>\r\n.\r\n");
    EXPECT_EQ(outcome.fault, Fault::bare_newline) << testing::PrintToString(end);
  }
}

TEST(DataDecoder, cr_cr_lf_is_not_collapsed) {
  EXPECT_EQ(decode_any_way("a\r\r\nb\r\n.\r\n").fault, Fault::bare_newline);
}

TEST(DataDecoder, nul_is_refused_also_as_part_of_a_false_end) {
  EXPECT_EQ(decode_any_way(std::string("a\r\n\0.\r\n", 8)).fault, Fault::nul_in_message);
  EXPECT_EQ(decode_any_way(std::string("a\r\n.\0\r\n", 8)).fault, Fault::nul_in_message);
  EXPECT_EQ(decode_any_way(std::string("a\0b\r\n.\r\n", 8)).fault, Fault::nul_in_message);
}

TEST(DataDecoder, nul_after_the_end_is_not_the_messages) {
  const auto outcome = decode_any_way(std::string("a\r\n.\r\n\0", 7));
  EXPECT_TRUE(outcome.ended);
  EXPECT_EQ(outcome.consumed, 6U);
}

TEST(DataDecoder, is_dead_after_a_fault) {
  DataDecoder decoder({});
  std::string out;
  EXPECT_FALSE(decoder.decode("a\nb", out));
  const auto again = decoder.decode("\r\n.\r\n", out);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().fault, Fault::bare_newline);
}

TEST(DataDecoder, line_limit_is_exact_and_ignores_the_stuffed_dot) {
  const std::string full(998, 'x');
  EXPECT_TRUE(decode_any_way(full + "\r\n.\r\n").ended);
  EXPECT_TRUE(decode_any_way("." + full + "\r\n.\r\n").ended);
  EXPECT_EQ(decode_any_way(full + "x\r\n.\r\n").fault, Fault::line_over_998);
  EXPECT_EQ(decode_any_way("a\r\n" + full + "x").fault, Fault::line_over_998);
}

TEST(DataDecoder, first_fault_wins_whatever_the_cut) {
  const std::string over(1500, 'x');
  EXPECT_EQ(decode_any_way(over + "\n").fault, Fault::line_over_998);
  EXPECT_EQ(decode_any_way("a\rb" + over).fault, Fault::bare_newline);
  EXPECT_EQ(decode_any_way(over + std::string(1, '\0')).fault, Fault::line_over_998);
  EXPECT_EQ(decode_any_way(std::string("a\r\0", 3)).fault, Fault::bare_newline);
}

TEST(DataDecoder, lets_long_lines_pass_when_they_will_be_mended) {
  const std::string over(5000, 'x');
  const auto outcome = decode_any_way(over + "\r\n.\r\n", {.allow_long_lines = true});
  EXPECT_TRUE(outcome.ended);
  EXPECT_TRUE(outcome.long_line);
  EXPECT_EQ(outcome.text, over + "\r\n");
}

TEST(DataDecoder, repairs_bare_lf_but_never_ends_on_one) {
  const DataDecoder::Options repair{.repair_bare_lf = true};
  struct Row {
    std::string_view input;
    std::string_view text;
  };
  const std::vector<Row> rows{
      {"a\nb\r\n.\r\n", "a\r\nb\r\n"},
      {"a\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
      {"a\n.\r\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
      {"a\r\n.\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
      {"a\n..\nb\r\n.\r\n", "a\r\n.\r\nb\r\n"},
      {"a\n.b\n..c\r\n.\r\n", "a\r\n.b\r\n.c\r\n"},
      {"\n.\r\n\n\n.\r\n\r\n.\r\n", "\r\n.\r\n\r\n\r\n.\r\n\r\n"},
  };
  for (const Row& row : rows) {
    const auto outcome = decode_any_way(row.input, repair);
    EXPECT_TRUE(outcome.ended) << testing::PrintToString(row.input);
    EXPECT_TRUE(outcome.repaired);
    EXPECT_EQ(outcome.text, row.text);
    EXPECT_EQ(outcome.consumed, row.input.size());
  }
  EXPECT_FALSE(decode_any_way("a\n.\r\n", repair).ended);
}

TEST(DataDecoder, bare_cr_is_refused_even_when_bare_lf_is_repaired) {
  for (const std::string_view input : {"a\rb", "a\r\r\n", "a\n\r.\r\n", "a\r\n.\r\r\n", "\n.\r.\r"})
    EXPECT_EQ(decode_any_way(input, {.repair_bare_lf = true}).fault, Fault::bare_newline);
}

TEST(DataDecoder, sees_eight_bit_only_before_the_end) {
  EXPECT_TRUE(decode_any_way("\xc3\xbc\r\n.\r\n").eight_bit);
  EXPECT_FALSE(decode_any_way("u\r\n.\r\n\xc3\xbc").eight_bit);
}

std::string encode(std::string_view text, std::size_t cut) {
  DataEncoder encoder;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += cut) encoder.encode(text.substr(at, cut), out);
  encoder.finish(out);
  return out;
}

TEST(DataEncoder, doubles_leading_dots_and_ends_the_data_at_any_cut) {
  struct Row {
    std::string_view text;
    std::string_view wire;
  };
  const std::vector<Row> rows{
      {"", ".\r\n"},
      {"a\r\n", "a\r\n.\r\n"},
      {"a", "a\r\n.\r\n"},
      {"a\r", "a\r\n.\r\n"},
      {".", "..\r\n.\r\n"},
      {".\r\n.\r\n", "..\r\n..\r\n.\r\n"},
      {"..a\r\nb.\r\n\r\n.c.\r\n", "...a\r\nb.\r\n\r\n..c.\r\n.\r\n"},
  };
  for (const Row& row : rows) {
    for (std::size_t cut = 1; cut <= row.text.size() + 1; ++cut)
      EXPECT_EQ(encode(row.text, cut), row.wire) << "cut every " << cut;
  }
}

TEST(DataEncoder, what_it_encodes_the_decoder_gives_back) {
  const std::string text = ".\r\n..\r\n\r\nx.\r\n.y\r\n" + std::string(900, '.') + "\r\n";
  const auto outcome = decode_any_way(encode(text, 7));
  EXPECT_TRUE(outcome.ended);
  EXPECT_EQ(outcome.text, text);
}

}  // namespace
}  // namespace signet::smtp
