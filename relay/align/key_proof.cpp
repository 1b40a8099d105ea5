#include "relay/align/key_proof.hpp"

#include <array>

#include "keys/base64.hpp"
#include "keys/key_record.hpp"

namespace signet::align {
namespace {

// The octets of a SubjectPublicKeyInfo before the RSAPublicKey in it, for 2048 to 4096 bits.
constexpr std::size_t kRsaPrefix = 24;

/// p= is a SubjectPublicKeyInfo in practice and an RSAPublicKey by the words of RFC 6376 3.6.1.
bool is_same_key(keys::Algorithm algorithm, std::string_view ours, std::string_view theirs) {
  if (ours == theirs) return true;
  return algorithm == keys::Algorithm::rsa && ours.size() == theirs.size() + kRsaPrefix &&
         ours.ends_with(theirs);
}

KeyProof judge_record(const keys::PublicKeyRecord& record, keys::Algorithm algorithm,
                      std::string_view public_base64) {
  using enum KeyState;
  if (record.key.empty()) return {revoked, "is revoked (empty p=)"};
  const std::string_view type = algorithm == keys::Algorithm::rsa ? "rsa" : "ed25519";
  if (record.algorithm != type) return {unusable, "is not for " + std::string(type) + " (k=)"};
  if (!record.allows_sha256) return {unusable, "forbids sha256 (h=)"};
  if (!record.allows_email) return {unusable, "is not for mail (s=)"};
  const auto ours = keys::decode_base64(public_base64);
  if (!ours || !is_same_key(algorithm, *ours, record.key)) return {differs, "holds another key"};
  if (record.testing) return {unusable, "is marked as a test (t=y)"};
  return {proven};
}

}  // namespace

std::string_view name_of(KeyState state) {
  constexpr std::array<std::string_view, 7> kNames{"proven",   "absent",    "differs", "revoked",
                                                   "unusable", "ambiguous", "unknown"};
  return kNames[static_cast<std::size_t>(state)];
}

KeyProof judge_key_texts(std::span<const std::string> texts, keys::Algorithm algorithm,
                         std::string_view public_base64) {
  if (texts.empty()) return {KeyState::absent, "is not in DNS"};
  if (texts.size() > 1) return {KeyState::ambiguous, "has several TXT records"};
  const auto record = keys::parse_key_record(texts.front());
  if (!record) return {KeyState::unusable, "can't be read: " + record.error().detail};
  return judge_record(*record, algorithm, public_base64);
}

}  // namespace signet::align
