// What another signer's set-up says, in Signet's terms: which keys sign mail of which author
// domain.
//
// Signet signs by domain and by exact name. What depends on the local part, or covers domains that
// nobody named, has no such form: it becomes a refusal that says what to do.
#pragma once

#include <compare>
#include <filesystem>
#include <string>
#include <vector>

#include "relay/base/domain.hpp"

namespace signet::keys {

struct ImportedKey {
  Domain domain;  ///< d=
  std::string selector;
  std::filesystem::path file;
  friend auto operator<=>(const ImportedKey&, const ImportedKey&) = default;
};

struct ImportRule {
  Domain author;
  std::vector<ImportedKey> keys;  ///< All of them sign.
};

struct ImportRules {
  std::vector<ImportRule> rules = {};  ///< By author, each once.
  std::vector<std::string> refusals = {};
  std::vector<std::string> notes = {};  ///< What is not the same afterwards, for people.
};

}  // namespace signet::keys
