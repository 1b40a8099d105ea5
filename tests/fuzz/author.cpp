// The From field: what is found is one plain address, and finding it again gives the same.
#include "relay/parse/parsed.hpp"
#include "relay/smtp/characters.hpp"
#include "relay/smtp/command.hpp"
#include "tests/fuzz/require.hpp"

namespace signet {
namespace {

using fuzz::require;

void check(std::string_view value) {
  auto header = parse::MessageHeader::parse(
      "From:" + std::string(value) + "\r\nTo: x@y.example\r\n", parse::HeaderLimits{});
  if (!header) return;
  const auto author = parse::find_author(*header);
  if (!author) return;
  const std::string address = author->address.to_string();
  require(!smtp::has_eight_bit(address));
  require(smtp::parse_mailbox(address).value() == author->address);
  const std::size_t fields = header->fields().size();
  const Mailbox other{.local = "\"x>,y\"", .domain = Domain::parse("other.example").value()};
  if (!parse::replace_author(*header, other)) return;
  require(parse::find_author(*header).value().address == other);
  require(header->fields().size() == fields);
  (void)parse::encode_eight_bit_header(*header);
  require(parse::find_author(*header).value().address == other);
}

}  // namespace
}  // namespace signet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  signet::check(signet::fuzz::as_text(octets, size));
  return 0;
}
