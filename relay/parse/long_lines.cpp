// Re-encodes the parts of a MIME message that hold lines over 998 octets (RFC 2045, 2046).
//
// Only what has such lines is touched; every other octet stays. What would change the meaning of a
// signature, or can't be told for certain, is refused.
#include <optional>
#include <vector>

#include "relay/parse/content_type.hpp"
#include "relay/parse/lines.hpp"
#include "relay/parse/parsed.hpp"
#include "relay/parse/transfer_encoding.hpp"
#include "relay/smtp/characters.hpp"

namespace signet::parse {
namespace {

constexpr int kMaxDepth = 20;
constexpr HeaderLimits kPartLimits{.bytes = 64 * 1024};

Failure refuse(const char* why) { return fail(Fault::line_over_998, why); }

/// A body part between two delimiters: [begin, end) of the body, without the CRLF before the next.
struct Part {
  std::size_t begin = 0;
  std::size_t end = 0;
};

enum class Line { content, delimiter, close };

Line classify(std::string_view line, std::string_view boundary) {
  while (!line.empty() && smtp::is_wsp(line.back())) line.remove_suffix(1);
  if (!line.starts_with("--") || line.substr(2, boundary.size()) != boundary) return Line::content;
  line.remove_prefix(2 + boundary.size());
  if (line.empty()) return Line::delimiter;
  return line == "--" ? Line::close : Line::content;
}

/// The parts of a multipart body. Fault: line_over_998 when it is not closed.
Result<std::vector<Part>> split_parts(std::string_view body, std::string_view boundary) {
  std::vector<Part> parts;
  for (std::size_t at = 0; at < body.size();) {
    const std::size_t end = std::min(body.find("\r\n", at), body.size());
    const std::size_t next = std::min(end + 2, body.size());
    const Line line = classify(body.substr(at, end - at), boundary);
    if (line != Line::content && !parts.empty())
      parts.back().end = std::max(parts.back().begin, at - 2);
    if (line == Line::close && !parts.empty()) return parts;
    if (line == Line::delimiter) parts.push_back({.begin = next, .end = next});
    at = next;
  }
  return refuse("multipart without its closing delimiter");
}

struct Encoded {
  std::string body;
  std::string_view encoding;  // Of the entity itself; empty: its header stays.
};

void set_encoding(MessageHeader& header, std::string_view encoding) {
  if (encoding.empty()) return;
  const std::string field = "Content-Transfer-Encoding: " + std::string(encoding) + "\r\n";
  if (const Field* old = header.find("Content-Transfer-Encoding"))
    header.replace(*old, field);
  else
    header.append(field);
}

Result<std::string> decode(std::string_view body, TransferEncoding encoding) {
  auto decoded = encoding == TransferEncoding::base64             ? decode_base64_lines(body)
                 : encoding == TransferEncoding::quoted_printable ? decode_quoted_printable(body)
                                                                  : std::string(body);
  if (!decoded) return refuse("part whose transfer encoding is broken");
  return decoded;
}

Result<Encoded> encode_leaf(const ContentType& type, TransferEncoding encoding,
                            std::string_view body) {
  auto decoded = decode(body, encoding);
  if (!decoded) return decoded.failure();
  const bool to_base64 = encoding == TransferEncoding::base64 ||
                         (encoding == TransferEncoding::identity && type.type != "text");
  if (!to_base64)
    return Encoded{.body = encode_quoted_printable(*decoded), .encoding = "quoted-printable"};
  std::string lines = encode_base64_lines(*decoded);
  if (body.ends_with("\r\n")) lines += "\r\n";
  return Encoded{.body = std::move(lines), .encoding = "base64"};
}

Result<Encoded> encode_entity(const MessageHeader& header, std::string_view body, int depth);

/// The part again, header and all.
Result<std::string> encode_part(std::string_view part, bool in_digest, int depth) {
  const bool has_fields = !part.starts_with("\r\n");
  const std::size_t split = has_fields ? part.find("\r\n\r\n") : 0;
  if (split == std::string_view::npos) return refuse("body part without an empty line");
  const std::size_t block = has_fields ? split + 2 : 0;
  auto header = MessageHeader::parse(std::string(part.substr(0, block)), kPartLimits);
  if (!header) return refuse("body part with a broken header");
  // RFC 2046 5.1.5: without a Content-Type it is a message.
  if (in_digest && header->count("Content-Type") == 0)
    return refuse("long line in an enclosed message");
  auto encoded = encode_entity(*header, part.substr(block + 2), depth);
  if (!encoded) return encoded.failure();
  set_encoding(*header, encoded->encoding);
  return header->block() + "\r\n" + encoded->body;
}

Result<Encoded> encode_multipart(const ContentType& type, std::string_view body, int depth) {
  if (depth == kMaxDepth) return refuse("multiparts nested too deep");
  if (type.boundary.empty()) return refuse("multipart without a boundary");
  const auto parts = split_parts(body, type.boundary);
  if (!parts) return parts.failure();
  std::string out;
  std::size_t copied = 0;
  for (const Part& part : *parts) {
    const std::string_view text = body.substr(part.begin, part.end - part.begin);
    if (!has_long_line(text)) continue;
    auto encoded = encode_part(text, type.subtype == "digest", depth + 1);
    if (!encoded) return encoded.failure();
    out.append(body.substr(copied, part.begin - copied)).append(*encoded);
    copied = part.end;
  }
  out.append(body.substr(copied));
  if (has_long_line(out)) return refuse("long line outside the parts of a multipart");
  return Encoded{.body = std::move(out), .encoding = {}};
}

/// `body` has a long line.
Result<Encoded> encode_entity(const MessageHeader& header, std::string_view body, int depth) {
  const auto type = content_type(header);
  const auto encoding = transfer_encoding(header);
  if (!type || !encoding) return refuse("part with a broken content header");
  if (type->type == "message") return refuse("long line in an enclosed message");
  if (type->type != "multipart") return encode_leaf(*type, *encoding, body);
  if (type->subtype == "signed" || type->subtype == "encrypted")
    return refuse("long line in a signed or encrypted part");
  if (*encoding != TransferEncoding::identity) return refuse("multipart with a transfer encoding");
  return encode_multipart(*type, body, depth);
}

}  // namespace

Result<std::string> reencode_long_lines(MessageHeader& header, const std::string& body) {
  if (!has_long_line(body)) return body;
  auto encoded = encode_entity(header, body, 0);
  if (!encoded) return encoded.failure();
  set_encoding(header, encoded->encoding);
  if (header.count("MIME-Version") == 0) header.append("MIME-Version: 1.0\r\n");
  return std::move(encoded->body);
}

}  // namespace signet::parse
