// A whole message: its header block and, where lines are too long, its body.
#include <algorithm>

#include "relay/parse/lines.hpp"
#include "relay/parse/parsed.hpp"
#include "tests/fuzz/require.hpp"

namespace signet {
namespace {

using fuzz::require;

constexpr parse::HeaderLimits kLimits{};
constexpr parse::HeaderLimits kGrown{.bytes = 8 * kLimits.bytes, .fields = 2 * kLimits.fields};

void check_fields(const parse::MessageHeader& header) {
  std::size_t end = 0;
  for (const parse::Field& field : header.fields()) {
    require(field.begin == end);
    require(header.text(field).ends_with("\r\n"));
    require(header.name(field).size() <= kLimits.name_bytes);
    end = field.end;
  }
  require(end == header.block().size());
}

void check_same(const parse::MessageHeader& header) {
  const auto again = parse::MessageHeader::parse(header.block(), kGrown);
  require(again.has_value());
  require(std::ranges::equal(again->fields(), header.fields(), [](const auto& a, const auto& b) {
    return a.begin == b.begin && a.name_size == b.name_size && a.end == b.end;
  }));
}

void check(std::string_view message) {
  const std::size_t empty_line = message.find("\r\n\r\n");
  const bool has_body = empty_line != std::string_view::npos;
  const std::string block(message.substr(0, has_body ? empty_line + 2 : message.size()));
  auto header = parse::MessageHeader::parse(block, kLimits);
  if (!header) return;
  require(header->block() == block);
  check_fields(*header);
  (void)parse::hops_through(*header, "relay.example");
  (void)parse::encode_eight_bit_header(*header);
  check_same(*header);
  const std::string body(has_body ? message.substr(empty_line + 4) : "");
  const auto mended = parse::reencode_long_lines(*header, body);
  if (mended) require(!parse::has_long_line(*mended));
  check_same(*header);
  parse::complete_own_mail(*header, Domain::parse("b.example").value(), "0ABC", {});
  check_same(*header);
}

}  // namespace
}  // namespace signet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  signet::check(signet::fuzz::as_text(octets, size));
  return 0;
}
