// OpenDKIM's KeyTable and SigningTable (opendkim.conf(5)), resolved to explicit rules.
//
// The first match signs (with MultipleSignatures: all). A table of patterns (refile:) is tried in
// order against user@host; any other is asked for user@host, host, user@.parent, .parent, user@*
// and * in turn. No I/O here.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "keys/import_rules.hpp"

namespace signet::keys {

struct SigningTables {
  struct Signing {
    std::string pattern;
    std::string key_name;  ///< "%": the author's domain.
    std::string where;     ///< "SigningTable:3"
  };
  struct Key {
    std::string domain;  ///< "%" in it: the author's domain.
    std::string selector;
    std::string file;  ///< "%" in it: the author's domain.
  };
  bool is_pattern_table = false;
  bool all_matches = false;
  /// Several patterns that match with different keys are refused: whoever asks takes any.
  bool order_is_unknown = false;
  std::vector<Signing> signing = {};
  std::map<std::string, Key, std::less<>> keys = {};
};

/// Author domains are those the table spells out and `named`: what covers more is refused unless
/// one of `named` is signed by it.
[[nodiscard]] ImportRules resolve_tables(const SigningTables& tables,
                                         const std::vector<Domain>& named);

/// "*" stands for any text, everything else for itself.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace signet::keys
