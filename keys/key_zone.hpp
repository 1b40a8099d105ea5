// Finds the selector of a key in a zone file with its record: what opendkim-genkey writes beside
// the key, or what dkim-rotate publishes. RFC 1035 5 (master files), as far as TXT records go.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "relay/base/domain.hpp"

namespace signet::keys {

struct ZoneRecord {
  std::string owner;  ///< With the last dot, or relative where no $ORIGIN is before it.
  std::string text;   ///< The strings, joined.
};
/// TXT records of a zone file; everything else is passed over. Fault: bad_parameter.
[[nodiscard]] Result<std::vector<ZoneRecord>> parse_txt_records(std::string_view zone);

/// The selector whose record in `zone` holds the public half of the key in `file`. `domain`: a name
/// "s1._domainkey.DOMAIN" must be this one's. Blocks. Faults: not_found, bad_parameter,
/// key_unavailable.
[[nodiscard]] Result<std::string> find_selector(const std::filesystem::path& zone,
                                                const std::filesystem::path& file,
                                                const Domain& domain);

}  // namespace signet::keys
