// Writes the value of a structured field again, its raw 8-bit text as encoded words (RFC 2047 5):
// in comments, and in phrases where the field has them. Addresses and all else stay.
#pragma once

#include <string>
#include <string_view>

namespace signet::parse {

/// Appends the value (as it stands after the colon) to a field that is being written. A phrase is
/// what stands before "<" or ":".
void append_structured(std::string& field, std::string_view value, bool has_phrases);

}  // namespace signet::parse
