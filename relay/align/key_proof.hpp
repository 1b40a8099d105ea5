// Does the DNS hold our public key, so that receivers can use it (RFC 6376 3.6.1, RFC 8301)?
//
// A signature is worth what its key record is worth: a verdict counts it only when the record at
// selector._domainkey.domain holds exactly our key and forbids nothing.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keys/private_key.hpp"

namespace signet::align {

enum class KeyState {
  proven,     ///< Our key, usable by every receiver.
  absent,     ///< No such name, or no TXT record there.
  differs,    ///< Another key.
  revoked,    ///< Empty p=.
  unusable,   ///< k=, h= or s= forbid it, t=y makes it a test, or it can't be read.
  ambiguous,  ///< Several TXT records: receivers may take any (RFC 6376 3.6.2.2).
  unknown     ///< The DNS did not answer.
};
[[nodiscard]] std::string_view name_of(KeyState state);

struct KeyProof {
  KeyState state = KeyState::unknown;
  std::string reason = {};  ///< What is wrong, in words; empty when proven.
};

/// `texts`: the TXT records, each with its strings joined. `public_base64`: as p= of our record.
[[nodiscard]] KeyProof judge_key_texts(std::span<const std::string> texts,
                                       keys::Algorithm algorithm, std::string_view public_base64);

}  // namespace signet::align
