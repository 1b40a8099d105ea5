// DKIM canonicalisation (RFC 6376 3.4): our own, streaming, in bulk.
//
// A body arrives in slices of any cut; runs of ordinary octets are copied whole. Only CRLF ends a
// line: a lone CR or LF is an ordinary octet. Fields are selected as h= says (RFC 6376 5.4.2).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/result.hpp"

struct evp_md_ctx_st;

namespace signet::sign {

enum class Canonicalisation { simple, relaxed };

struct FreeDigest {
  void operator()(evp_md_ctx_st* context) const;
};

/// SHA-256 over what is added.
class Sha256 {
 public:
  Sha256();
  void add(std::string_view octets);
  /// 32 octets; once.
  [[nodiscard]] std::string finish();

 private:
  std::unique_ptr<evp_md_ctx_st, FreeDigest> context_;
};

/// The hash of a body (bh=).
class BodyHash {
 public:
  /// `limit`: l=, octets of the canonical body that count.
  explicit BodyHash(Canonicalisation mode, std::optional<std::uint64_t> limit = {});
  void add(std::string_view slice);
  /// 32 octets; once.
  [[nodiscard]] std::string finish();
  /// Octets of the canonical body, whatever the limit. After finish().
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  void add_relaxed(std::string_view slice);
  void add_simple(std::string_view slice);
  void begin_content();
  void put(std::string_view octets);
  void put(char octet);
  void flush();

  Canonicalisation mode_;
  std::uint64_t left_;  // Of the limit.
  std::uint64_t size_ = 0;
  std::uint64_t blank_lines_ = 0;  // Seen, not yet known to be inside the body.
  bool space_ = false;             // White space seen, nothing after it (relaxed).
  bool cr_ = false;                // CR seen, nothing after it.
  bool content_ = false;           // The line has had something to keep.
  std::size_t buffered_ = 0;
  std::array<char, 8192> buffer_;
  Sha256 hash_;
};

/// A field of a header block: views into it.
struct HeaderField {
  std::string name;       ///< Lower case, without white space before the colon.
  std::string_view text;  ///< Name to final CRLF, both included.
};

struct FieldLimits {
  std::size_t fields = 1000;
  std::size_t name_bytes = 128;
};

/// The fields of a block: each ends in CRLF, folded lines begin with white space. Faults:
/// header_malformed, header_too_big. `block` must outlive the result.
[[nodiscard]] Result<std::vector<HeaderField>> split_header(std::string_view block,
                                                            const FieldLimits& limits);

/// One field, appended to `out` in canonical form with its CRLF. `text` has a colon and may lack
/// the CRLF.
void append_canonical(std::string& out, Canonicalisation mode, std::string_view text);

/// The fields `names` select (lower case, in the order of h=), bottom-most unused first; names
/// without a field left are skipped.
[[nodiscard]] std::string canonical_header(const std::vector<HeaderField>& fields,
                                           const std::vector<std::string>& names,
                                           Canonicalisation mode);

}  // namespace signet::sign
