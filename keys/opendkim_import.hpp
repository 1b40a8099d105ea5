// OpenDKIM's set-up (opendkim.conf(5)): KeyTable and SigningTable, or Domain, Selector and KeyFile.
//
// Reads opendkim.conf and the files it names, not the keys themselves. Tables of kinds other than
// file:, refile:, csl: and plain lists (databases, LDAP, Lua) are refused. Blocks.
#pragma once

#include "keys/import_rules.hpp"
#include "relay/base/result.hpp"

namespace signet::keys {

/// `named`: author domains that patterns are tried on. Faults: not_found, bad_parameter (file, line
/// and reason).
[[nodiscard]] Result<ImportRules> read_opendkim(const std::filesystem::path& configuration,
                                                const std::vector<Domain>& named);

}  // namespace signet::keys
