// OpenDKIM's set-up: more lines of opendkim.conf, a KeyTable and a SigningTable, "--" between them.
// Held to: rules with keys, each author once; or a refusal.
#include "keys/opendkim_import.hpp"
#include "tests/fuzz/import_files.hpp"

namespace signet::fuzz {
namespace {

void check(std::string_view input) {
  static const test::ScratchFolder kFiles;
  static const auto kNamed = named_domains();
  const auto more = without_slashes(take_part(input));
  const auto keys = kFiles.write("KeyTable", take_part(input));
  const auto signing = kFiles.write("SigningTable", input);
  for (const std::string kind : {"file:", "refile:"}) {
    std::string text = "KeyTable " + keys.string();
    text.append("\nSigningTable ").append(kind).append(signing.string()).append("\n").append(more);
    const auto configuration = kFiles.write("opendkim.conf", text);
    check_rules(keys::read_opendkim(configuration, kNamed));
  }
  check_rules(keys::read_opendkim(kFiles.write("opendkim.conf", more), kNamed));
}

}  // namespace
}  // namespace signet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  signet::fuzz::check(signet::fuzz::as_text(octets, size));
  return 0;
}
