// The word that was probably meant, for "did you mean".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace signet::config {

/// The one of `known` that differs least from `word`, if by no more than a third of it (or two
/// letters); else empty.
[[nodiscard]] std::string nearest_word(std::string_view word,
                                       const std::vector<std::string>& known);

}  // namespace signet::config
