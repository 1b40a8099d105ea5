// The results of check_host() (RFC 7208 2.6).
#pragma once

#include <string_view>

namespace signet::align {

enum class SpfOutcome { none, neutral, pass, fail, softfail, temperror, permerror };

/// The RFC's word in lower case, as Authentication-Results writes it (RFC 8601 2.7.2).
[[nodiscard]] std::string_view name_of(SpfOutcome outcome);

}  // namespace signet::align
