// Writes raw 8-bit words of a header field as encoded words (RFC 2047), the rest as it is.
//
// Encoded words hold only octets that are safe in unstructured text, phrases and comments alike
// (RFC 2047 5). It does not decode.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace signet::parse {

struct Word {
  std::string_view space;  ///< White space before it, as it stands, folding included.
  std::string_view raw;    ///< Views the field.
  std::string text;        ///< What it says: without quotes and backslashes.
};

/// Words of unstructured text or of the inside of a comment. `text` equals `raw` with quoted pairs
/// kept.
[[nodiscard]] std::vector<Word> split_words(std::string_view text);

/// Appends the words to a field that is being written. Words without octets over 127 stay as they
/// are; runs of others, with the space between them, become encoded words on lines of at most 76
/// columns.
void append_words(std::string& field, const std::vector<Word>& words);

}  // namespace signet::parse
