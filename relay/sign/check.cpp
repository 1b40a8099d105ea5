#include "relay/sign/check.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "keys/tag_list.hpp"

namespace signet::sign {
namespace {

struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool rsa_verifies(EVP_PKEY* key, std::string_view digest, std::string_view signature) {
  const std::unique_ptr<EVP_PKEY_CTX, FreeContext> context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  return context && EVP_PKEY_verify_init(context.get()) == 1 &&
         EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
         EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1 &&
         EVP_PKEY_verify(context.get(), bytes(signature), signature.size(), bytes(digest),
                         digest.size()) == 1;
}

// RFC 8463 3: PureEdDSA over the SHA-256 digest.
bool ed25519_verifies(EVP_PKEY* key, std::string_view digest, std::string_view signature) {
  const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(digest),
                          digest.size()) == 1;
}

std::string without_signature(std::string_view field) {
  const auto colon = field.find(':');
  const auto list = keys::TagList::parse(field.substr(colon + 1));
  const keys::Tag* tag = list ? list->find("b") : nullptr;
  if (tag == nullptr) return std::string(field);
  const auto at = static_cast<std::size_t>(tag->raw.data() - field.data());
  return std::string(field.substr(0, at)).append(field.substr(at + tag->raw.size()));
}

}  // namespace

std::string signed_octets(const std::vector<std::string>& signed_fields, Canonicalisation mode,
                          const std::vector<HeaderField>& fields, std::string_view field) {
  if (field.ends_with("\r\n")) field.remove_suffix(2);
  auto octets = canonical_header(fields, signed_fields, mode);
  append_canonical(octets, mode, without_signature(field));
  octets.resize(octets.size() - 2);
  return octets;
}

Result<void> check_signature(const SignatureTags& tags, std::string_view field,
                             const std::vector<HeaderField>& fields, std::string_view body_hash,
                             evp_pkey_st* key) {
  if (tags.body_hash != body_hash) return fail(Fault::signature_wrong, "the body hash differs");
  const auto mode = tags.relaxed_header ? Canonicalisation::relaxed : Canonicalisation::simple;
  Sha256 hash;
  hash.add(signed_octets(tags.signed_fields, mode, fields, field));
  const auto digest = hash.finish();
  const bool good = tags.algorithm == "ed25519-sha256"
                        ? ed25519_verifies(key, digest, tags.signature)
                        : rsa_verifies(key, digest, tags.signature);
  if (good) return {};
  ERR_clear_error();
  return fail(Fault::signature_wrong, "the signature does not fit the header and the key");
}

}  // namespace signet::sign
