// Content-Type and Content-Transfer-Encoding of a part (RFC 2045 5, 6): what re-encoding must know.
#pragma once

#include <string>
#include <string_view>

#include "relay/base/result.hpp"
#include "relay/parse/message_header.hpp"

namespace signet::parse {

struct ContentType {
  std::string type = "text";  ///< Lower case.
  std::string subtype = "plain";
  std::string boundary;  ///< As it stands between the dashes; empty: none.
};

/// The default when the field is missing. Fault: header_malformed (several, or broken).
[[nodiscard]] Result<ContentType> content_type(const MessageHeader& header);

enum class TransferEncoding { identity, quoted_printable, base64 };
/// Identity for 7bit, 8bit, binary and none. Fault: header_malformed (several, or unknown).
[[nodiscard]] Result<TransferEncoding> transfer_encoding(const MessageHeader& header);

}  // namespace signet::parse
