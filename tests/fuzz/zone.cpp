// A zone file with key records. Held to: what our own line says of any text is read back.
#include "keys/key_record.hpp"
#include "keys/key_zone.hpp"
#include "keys/private_key.hpp"
#include "tests/fuzz/require.hpp"

namespace signet::keys {
namespace {

using fuzz::require;

void check(std::string_view text) {
  const auto records = parse_txt_records(text);
  if (!records) require(records.error().fault == Fault::bad_parameter);
  if (records)
    for (const ZoneRecord& record : *records) (void)parse_key_record(record.text);
  const auto line = txt_line("s1._domainkey.example.com", text);
  const auto own = parse_txt_records(line + "\n" + line);
  require(own && own->size() == 2);
  for (const ZoneRecord& record : *own) {
    require(record.owner == "s1._domainkey.example.com.");
    require(record.text == text);
  }
}

}  // namespace
}  // namespace signet::keys

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  signet::keys::check(signet::fuzz::as_text(octets, size));
  return 0;
}
