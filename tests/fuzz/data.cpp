// The DATA phase: any cut gives the same message, nothing but CRLF ends its lines, and what is
// encoded again decodes to the same.
#include "relay/smtp/data.hpp"

#include "tests/fuzz/require.hpp"

namespace signet {
namespace {

using fuzz::require;

struct Outcome {
  std::string text;
  std::size_t consumed = 0;
  bool ended = false;
  bool failed = false;
  Fault fault = Fault::count_;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome decode(std::string_view input, std::size_t cut, smtp::DataDecoder::Options options) {
  smtp::DataDecoder decoder(options);
  Outcome outcome;
  for (std::size_t at = 0; at < input.size() && !outcome.ended; at += cut) {
    const auto step = decoder.decode(input.substr(at, cut), outcome.text);
    if (!step) return Outcome{.text = {}, .failed = true, .fault = step.error().fault};
    outcome.consumed += step->consumed;
    outcome.ended = step->ended;
  }
  return outcome;
}

bool is_crlf_text(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') return false;
    if (text[i] != '\r') continue;
    ++i;
    if (i == text.size() || text[i] != '\n') return false;
  }
  return true;
}

std::string encode(std::string_view text, std::size_t cut) {
  smtp::DataEncoder encoder;
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += cut) encoder.encode(text.substr(at, cut), out);
  encoder.finish(out);
  return out;
}

void check(std::string_view input, smtp::DataDecoder::Options options) {
  const Outcome whole = decode(input, input.size() + 1, options);
  require(decode(input, 1, options) == whole);
  require(decode(input, 3, options) == whole);
  require(is_crlf_text(whole.text));
  require(!whole.ended || input.substr(0, whole.consumed).ends_with(".\r\n"));
  const std::string wire = encode(whole.text, whole.text.size() + 1);
  require(encode(whole.text, 1) == wire);
  const Outcome again = decode(wire + "QUIT\r\n", 5, options);
  if (whole.ended) require(again.ended && again.text == whole.text);
}

}  // namespace
}  // namespace signet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  const auto input = signet::fuzz::as_text(octets, size);
  signet::check(input, {.max_line = 20});
  signet::check(input, {.max_line = 20, .allow_long_lines = true, .repair_bare_lf = true});
  return 0;
}
