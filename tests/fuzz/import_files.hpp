// Files that an import reads, in a folder of the fuzzer's own; and what holds of the rules it
// makes.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "keys/import_rules.hpp"
#include "relay/base/result.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/support/scratch_folder.hpp"

namespace signet::fuzz {

/// The input up to a line "--", which is taken off it.
inline std::string_view take_part(std::string_view& input) {
  const auto end = std::min(input.find("\n--\n"), input.size());
  const auto part = input.substr(0, end);
  input.remove_prefix(std::min(end + 4, input.size()));
  return part;
}

/// So that no text of a fuzzer names a file of this machine.
inline std::string without_slashes(std::string_view text) {
  std::string result(text);
  std::ranges::replace(result, '/', '_');
  return result;
}

inline void check_rules(const Result<keys::ImportRules>& rules) {
  if (!rules) {
    const Fault fault = rules.error().fault;
    return require((fault == Fault::bad_parameter || fault == Fault::not_found) &&
                   !rules.error().detail.empty());
  }
  const auto& made = rules->rules;
  for (std::size_t i = 0; i < made.size(); ++i) {
    require(!made[i].keys.empty());
    require(i == 0 || made[i - 1].author < made[i].author);
    require(Domain::parse(made[i].author.text()).has_value());
  }
  require(std::ranges::none_of(rules->refusals, &std::string::empty));
}

inline std::vector<Domain> named_domains() {
  std::vector<Domain> named;
  for (const char* name : {"example.com", "news.example.com"})
    named.push_back(std::move(*Domain::parse(name)));
  return named;
}

}  // namespace signet::fuzz
