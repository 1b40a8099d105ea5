// Which header fields a signature covers (RFC 6376 5.4, 8.15): policy both signers share.
//
// Over-signed fields are named once more than they occur, so that none can be added on the way.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "keys/signing_domain.hpp"
#include "relay/base/result.hpp"
#include "relay/sign/canonicalisation.hpp"

namespace signet::sign {

/// The names a profile over-signs; each array ends with a null, as C wants it.
[[nodiscard]] std::span<const char* const> oversigned_names(keys::Profile profile);

/// True if fields of that name (lower case) are signed wherever they occur.
[[nodiscard]] bool is_signed_field(std::string_view name);

/// The fields of `block`, which may be signed without doubt. Faults: header_malformed (also control
/// octets), nul_in_message, header_too_big (a name over 128 octets, over 1,000 fields, signed names
/// over 3 KiB in all), author_missing, author_ambiguous.
[[nodiscard]] Result<std::vector<HeaderField>> fields_to_sign(std::string_view block);

}  // namespace signet::sign
