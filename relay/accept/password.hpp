// Passwords as crypt(3) hashes: yescrypt is what we make, whatever libcrypt knows is what we check.
//
// Each check costs milliseconds of CPU by design: call it on a pool, never on a loop.
#pragma once

#include <string>
#include <string_view>

#include "relay/base/result.hpp"

namespace signet::accept {

/// True when `password` hashes to `hash`. False for an empty or locked ("*", "!…") hash and for a
/// method libcrypt does not know.
[[nodiscard]] bool check_password(const std::string& hash, const std::string& password);

/// What to check against when the user is unknown, so that the answer takes as long: a hash of the
/// cost make_password_hash() gives. The answer must still be no, whatever the check says.
[[nodiscard]] const std::string& hash_for_unknown_user();

/// A salted yescrypt hash of libcrypt's default cost. Faults: bad_parameter (empty, over 511
/// octets, NUL), local_error (no random octets).
[[nodiscard]] Result<std::string> make_password_hash(const std::string& password);

}  // namespace signet::accept
