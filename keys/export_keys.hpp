// Keys of the store as other signers take them: private halves leave the store, so it is a deed of
// its own, into a folder that must not be there yet (0700, files 0600).
//
//   opendkim   opendkim.conf, KeyTable, SigningTable, keys/<domain>.<selector>.private
//   rspamd     dkim_signing.conf (for local.d), keys/<domain>.<selector>.key
//
// Only keys that sign. OpenDKIM takes one key for each domain, and so do rspamd's tables, which say
// that one signs for others: the RSA key. Blocks.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "keys/signing_domain.hpp"

namespace signet::keys {

enum class ExportFormat { opendkim, rspamd };

/// A key of a domain that signs.
struct ExportedKey {
  Domain domain;
  std::string selector;
};
struct Exported {
  std::vector<ExportedKey> written;
  std::vector<ExportedKey> left_out;  ///< The format has one key for each domain there.
};
/// `parents`: author domains that another one signs for, as in [signing.parents]. Faults:
/// bad_parameter (the folder is there, or has ":" in its name, which ends a field of a key table),
/// store_read_only, key_unavailable.
[[nodiscard]] Result<Exported> export_keys(
    const std::vector<std::shared_ptr<const SigningDomain>>& domains,
    const std::map<Domain, Domain>& parents, ExportFormat format,
    const std::filesystem::path& folder);

}  // namespace signet::keys
