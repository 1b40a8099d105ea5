// Our own DKIM verifier (RFC 6376 6, RFC 8463), OpenSSL only: independent of the signer.
//
// No I/O: the caller brings the key records. Used on every message before it leaves, and by `signet
// verify`.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/result.hpp"

namespace signet::sign {

/// A DKIM-Signature field taken apart (RFC 6376 3.5).
struct SignatureTags {
  std::string algorithm;                   ///< "rsa-sha256", "ed25519-sha256"
  std::string domain;                      ///< d=
  std::string selector;                    ///< s=
  std::vector<std::string> signed_fields;  ///< h=, lower case
  std::string body_hash;                   ///< decoded bh=
  std::string signature;                   ///< decoded b=
  bool relaxed_header = false;
  bool relaxed_body = false;
  std::optional<std::uint64_t> body_length;  ///< l=
  std::optional<std::int64_t> timestamp;     ///< t=
  std::optional<std::int64_t> expiry;        ///< x=
  std::string identity;                      ///< i=
};

/// Value of a DKIM-Signature field (after the colon). Fault: bad_parameter.
[[nodiscard]] Result<SignatureTags> parse_signature(std::string_view value);

enum class SignatureResult { pass, fail, permerror, temperror };

struct SignatureVerdict {
  SignatureResult result = SignatureResult::permerror;
  std::string domain;
  std::string selector;
  std::string algorithm;
  std::string reason;  ///< In words, when not pass.
};

/// Answers with the TXT record of "selector._domainkey.domain", or a fault (not_found,
/// dns_temporary).
using KeyLookup = std::function<Result<std::string>(const std::string& name)>;

/// Verifies a message whose body arrives in slices: for mail that passes through.
class MessageVerifier {
 public:
  /// `header`: fields with their CRLF, no empty line; copied. At most 20 signatures are looked at.
  explicit MessageVerifier(std::string_view header);
  ~MessageVerifier();
  MessageVerifier(MessageVerifier&&) noexcept;
  MessageVerifier& operator=(MessageVerifier&&) noexcept;

  /// "selector._domainkey.domain" of every signature that can be read: what to look up.
  [[nodiscard]] std::vector<std::string> key_names() const;
  void body(std::string_view slice);
  /// Every signature, in order. Once, after the body.
  [[nodiscard]] std::vector<SignatureVerdict> finish(const KeyLookup& lookup, std::int64_t now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Every DKIM-Signature of a whole message (CRLF lines), in order; at most 20 are looked at.
[[nodiscard]] std::vector<SignatureVerdict> verify_message(std::string_view message,
                                                           const KeyLookup& lookup,
                                                           std::int64_t now);

}  // namespace signet::sign
