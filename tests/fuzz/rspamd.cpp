// rspamd's dkim_signing settings, and a map after "--", whose place is written MAP in the settings.
// Held to: rules with keys, each author once; or a refusal.
#include "keys/rspamd_import.hpp"
#include "tests/fuzz/import_files.hpp"

namespace signet::fuzz {
namespace {

/// The last two labels: as good as any public suffix list here.
Domain fold(const Domain& domain) {
  const std::string& text = domain.text();
  const auto last = text.rfind('.');
  const auto dot = last == std::string::npos || last == 0 ? last : text.rfind('.', last - 1);
  if (dot == std::string::npos) return domain;
  return std::move(*Domain::parse(text.substr(dot + 1)));
}

void check(std::string_view input) {
  static const test::ScratchFolder kFiles;
  static const auto kNamed = named_domains();
  auto settings = without_slashes(take_part(input));
  const auto map = kFiles.write("map", input).string();
  for (std::size_t at = 0; (at = settings.find("MAP", at)) != std::string::npos; at += map.size())
    settings.replace(at, 3, map);
  check_rules(keys::read_rspamd(kFiles.write("dkim_signing.conf", settings), kNamed, fold));
}

}  // namespace
}  // namespace signet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  signet::fuzz::check(signet::fuzz::as_text(octets, size));
  return 0;
}
