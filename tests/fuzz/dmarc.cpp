// DMARC record text and the names of a tree walk: whatever comes, what is kept is bounded and
// valid.
#include "relay/align/dmarc.hpp"

#include <algorithm>

#include "tests/fuzz/require.hpp"

namespace signet {
namespace {

using fuzz::require;

void check_record(std::string_view text) {
  const auto record = align::parse_dmarc_record(text);
  if (!record) return;
  require(text.starts_with('v'));
  require(record->rua.size() <= 20 && record->problems.size() <= 20);
  const auto has_separator = [](const std::string& uri) {
    return uri.find_first_of(",!; ") != uri.npos;
  };
  require(std::ranges::none_of(record->rua, has_separator));
  if (!record->is_usable) require(record->p == align::DmarcPolicy::none && record->rua.empty());
}

void check_walk(std::string_view name, std::string_view text) {
  const auto domain = Domain::parse(name);
  if (!domain) return;
  align::Walk walk;
  for (std::string& step : align::walk_domains(domain->text()))
    walk.steps.push_back({std::move(step), align::parse_dmarc_record(text)});
  require(walk.steps.size() <= 8);
  const auto top = align::organizational_domain(walk);
  require(top && domain->is_within(*Domain::parse(*top)));
  (void)align::applied_policy(walk, true);
  require(align::identifier_alignment(align::AlignmentMode::relaxed, walk, walk) ==
          align::Alignment::aligned);
}

}  // namespace
}  // namespace signet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  const auto text = signet::fuzz::as_text(octets, size);
  signet::check_record(text);
  const auto line = text.find('\n');
  if (line != std::string_view::npos) {
    signet::check_record(text.substr(line + 1));
    signet::check_walk(text.substr(0, line), text.substr(line + 1));
  }
  return 0;
}
