// The header block of a message with the offsets of its fields (RFC 5322 2.2).
//
// Strict: what two parsers might read differently is refused, so nothing ambiguous is ever signed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/result.hpp"

namespace signet::parse {

struct HeaderLimits {
  std::size_t bytes = 128 * 1024;
  std::size_t fields = 1000;
  std::size_t name_bytes = 128;
};

struct Field {
  std::uint32_t begin = 0;  ///< Offset of the first octet of the name.
  std::uint32_t name_size = 0;
  std::uint32_t end = 0;  ///< One past the field's final CRLF.
};

/// Fields of a header block: the block is the fields, each with its CRLF, without the empty line.
class MessageHeader {
 public:
  /// Faults: header_too_big, header_malformed (no colon, space before the colon, control octets,
  /// bare CR or LF, an empty line, a continuation line first or of white space only, name over the
  /// cap), nul_in_message, line_over_998. An empty block is a header without fields. Octets over
  /// 127 are allowed here; has_eight_bit() tells.
  [[nodiscard]] static Result<MessageHeader> parse(std::string block, const HeaderLimits& limits);

  [[nodiscard]] const std::string& block() const { return block_; }
  [[nodiscard]] std::string take_block() && { return std::move(block_); }
  [[nodiscard]] const std::vector<Field>& fields() const { return fields_; }
  /// Views live as long as this object is neither changed nor moved.
  [[nodiscard]] std::string_view name(const Field& field) const {
    return std::string_view(block_).substr(field.begin, field.name_size);
  }
  [[nodiscard]] std::string_view text(const Field& field) const {
    return std::string_view(block_).substr(field.begin, field.end - field.begin);
  }
  /// After the colon, still folded, without the final CRLF.
  [[nodiscard]] std::string_view value(const Field& field) const;
  /// Case-insensitive.
  [[nodiscard]] std::size_t count(std::string_view name) const;
  [[nodiscard]] const Field* find(std::string_view name) const;  ///< The first, or null.
  [[nodiscard]] bool has_eight_bit() const;

  /// What is put in is ours: one or more well-formed fields, each ending in CRLF.
  void prepend(std::string_view fields_with_crlf);
  void append(std::string_view fields_with_crlf);
  void remove(std::string_view name);  ///< All fields of that name.
  void replace(const Field& field, std::string_view field_with_crlf);

 private:
  class Scanner;
  void index();

  std::string block_;
  std::vector<Field> fields_;
};

}  // namespace signet::parse
