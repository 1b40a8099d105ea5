// The core of verification: one signature, one key, the octets it covers (RFC 6376 6.1.3).
#pragma once

#include <string_view>
#include <vector>

#include "relay/sign/canonicalisation.hpp"
#include "relay/sign/verifier.hpp"

struct evp_pkey_st;

namespace signet::sign {

/// The octets b= signs: the selected fields, then the signature's own field without its b= value.
/// `field`: name to the end, with or without the final CRLF.
[[nodiscard]] std::string signed_octets(const std::vector<std::string>& signed_fields,
                                        Canonicalisation mode,
                                        const std::vector<HeaderField>& fields,
                                        std::string_view field);

/// `tags` are those of `field`; `body_hash` is what the body came to. Fault: signature_wrong.
[[nodiscard]] Result<void> check_signature(const SignatureTags& tags, std::string_view field,
                                           const std::vector<HeaderField>& fields,
                                           std::string_view body_hash, evp_pkey_st* key);

}  // namespace signet::sign
