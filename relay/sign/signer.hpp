// Signer: DKIM signatures (RFC 6376, 8301, 8463) over a message whose body arrives in slices.
//
// One Signing per message makes every signature the plan asks for. libopendkim does the work with
// keys already loaded (only sign/ knows it); a strict filter in parse keeps its known defects out
// of reach.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keys/signing_domain.hpp"
#include "relay/base/clock.hpp"
#include "relay/base/result.hpp"

namespace signet::sign {

/// One signature to make.
struct PlannedSignature {
  std::shared_ptr<const keys::SigningDomain>
      domain;           ///< Keeps the key alive while the message is in flight.
  std::size_t key = 0;  ///< Index into domain->keys.
  bool bulk = false;    ///< Over-sign List-* and Reply-To too.
};

struct Plan {
  std::vector<PlannedSignature>
      signatures;                ///< In the order they are made; may be empty (unsigned).
  std::chrono::seconds life{0};  ///< x= minus t=.
};

/// The signatures of one message.
struct Signed {
  std::string
      fields;  ///< DKIM-Signature fields, folded, each ending in CRLF; go before the header block.
  std::vector<std::string> signed_by;      ///< "selector._domainkey.domain"
  std::chrono::microseconds verifying{0};  ///< What our own verifier took of the time.
};

/// A message being signed. Used on its signer's thread; its signer outlives it. Order: body()*,
/// finish() once; after a fault nothing more.
class Signing {
 public:
  virtual ~Signing() = default;
  /// A slice of the body: CRLF text, any cut (also between CR and LF).
  [[nodiscard]] virtual Result<void> body(std::string_view slice) = 0;
  /// The signatures, each already checked by our verifier over the same octets with the public half
  /// of its key. Faults: signature_wrong, key_unavailable, header_too_big (signed names over 3
  /// KiB), local_error.
  [[nodiscard]] virtual Result<Signed> finish() = 0;
};

class Signer {
 public:
  virtual ~Signer() = default;
  /// Begins a message. `header` is the block as it leaves (fields with CRLF, no empty line); copied
  /// as needed. Faults: header_malformed, header_too_big, nul_in_message, author_missing,
  /// author_ambiguous, local_error.
  [[nodiscard]] virtual Result<std::unique_ptr<Signing>> begin(const Plan& plan,
                                                               std::string_view header,
                                                               WallTime now) = 0;
};

/// Through libopendkim. One per thread. Fault: local_error when the library can't be set up.
[[nodiscard]] Result<std::unique_ptr<Signer>> make_opendkim_signer();
/// OpenSSL only, on the verifier's canonicaliser: for differential tests.
[[nodiscard]] std::unique_ptr<Signer> make_openssl_signer();

/// Signs with a throw-away key and counts PEM parses: true if libopendkim takes our loaded keys.
[[nodiscard]] bool cached_key_path_works();

}  // namespace signet::sign
