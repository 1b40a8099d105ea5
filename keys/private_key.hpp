// Private keys for DKIM: RSA (RFC 6376, RFC 8301) and Ed25519 (RFC 8463).
//
// Secrets live here: files are opened under one rule, keys and their text stay in secret memory,
// and nothing here ever prints key material.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "relay/base/result.hpp"
#include "relay/base/secret_memory.hpp"

struct evp_pkey_st;

namespace signet::keys {

enum class Algorithm { rsa, ed25519 };

[[nodiscard]] constexpr std::string_view name_of(Algorithm algorithm) {
  return algorithm == Algorithm::rsa ? "rsa-sha256" : "ed25519-sha256";
}
/// What the record of a revoked key says: an empty p= (RFC 6376 3.6.1).
[[nodiscard]] std::string revoked_record(Algorithm algorithm);

struct FreeKey {
  void operator()(evp_pkey_st* key) const;
};
using KeyHandle = std::unique_ptr<evp_pkey_st, FreeKey>;

class PrivateKey {
 public:
  /// Fault: key_unavailable (says what is wrong: not PEM, encrypted, unsupported type, RSA under
  /// 1024 or over 4096 bits). RSA under 2048 is for the caller to allow or refuse.
  [[nodiscard]] static Result<PrivateKey> from_pem(std::string_view pem);
  /// The access rule: no symlink for the last component unless it stays beneath `store`, regular
  /// file, owner us or root, nothing for others, group read only if `allow_group`, at most 64 KiB.
  /// Fault: key_unavailable.
  [[nodiscard]] static Result<PrivateKey> load(const std::filesystem::path& file, bool allow_group);
  /// The same for STORE/<relative>, whose links may lead anywhere beneath the store.
  [[nodiscard]] static Result<PrivateKey> load(const std::filesystem::path& store,
                                               const std::filesystem::path& relative,
                                               bool allow_group);
  /// `bits` for RSA: 2048 to 4096. Faults: bad_parameter, key_unavailable.
  [[nodiscard]] static Result<PrivateKey> generate(Algorithm algorithm, unsigned bits = 2048);

  [[nodiscard]] Algorithm algorithm() const { return algorithm_; }
  [[nodiscard]] unsigned bits() const;
  [[nodiscard]] evp_pkey_st* handle() const { return key_.get(); }
  /// Base64 for p=: SubjectPublicKeyInfo for RSA, the raw 32 octets for Ed25519.
  [[nodiscard]] std::string public_base64() const;
  /// "v=DKIM1; k=rsa; p=…"
  [[nodiscard]] std::string dns_record() const;
  /// PKCS#8 PEM.
  [[nodiscard]] SecretText to_pem() const;

 private:
  PrivateKey(KeyHandle key, Algorithm algorithm) : key_(std::move(key)), algorithm_(algorithm) {}
  KeyHandle key_;
  Algorithm algorithm_;
};

/// One BIND zone line: `name. IN TXT ( "…" "…" )`, strings of at most 255 octets.
[[nodiscard]] std::string txt_line(std::string_view name, std::string_view text);
/// The same for the record of a key, at `selector._domainkey.domain.`
[[nodiscard]] std::string zone_line(std::string_view selector, std::string_view domain,
                                    std::string_view record);

}  // namespace signet::keys
