// rspamd's dkim_signing (local.d/dkim_signing.conf, or what `rspamadm configdump -j dkim_signing`
// prints): domain sections, path and selector with their maps, signing_table and key_table.
//
// Keys in Redis, Vault, Lua conditions and HTTP headers are refused. Reads the files of maps and
// folders of keys, not the keys themselves. Blocks.
#pragma once

#include <functional>

#include "keys/import_rules.hpp"
#include "relay/base/result.hpp"

namespace signet::keys {

/// The organisational domain of a name, for `use_esld`.
using FoldDomain = std::function<Domain(const Domain&)>;

/// `named`: author domains that patterns and use_esld are tried on. Faults: not_found,
/// bad_parameter.
[[nodiscard]] Result<ImportRules> read_rspamd(const std::filesystem::path& configuration,
                                              const std::vector<Domain>& named,
                                              const FoldDomain& fold);

}  // namespace signet::keys
