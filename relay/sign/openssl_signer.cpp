#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "keys/base64.hpp"
#include "relay/sign/check.hpp"
#include "relay/sign/self_check.hpp"
#include "relay/sign/signed_fields.hpp"
#include "relay/sign/signer.hpp"

namespace signet::sign {
namespace {

constexpr std::size_t kMaxColumn = 76;

struct FreeContext {
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string sign_digest(const keys::PrivateKey& key, std::string_view digest) {
  const SecretScope scope;
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key.handle())), '\0');
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  std::size_t size = signature.size();
  bool good = false;
  if (key.algorithm() == keys::Algorithm::ed25519) {
    const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(EVP_MD_CTX_new());
    good = context &&
           EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.handle()) == 1 &&
           EVP_DigestSign(context.get(), out, &size, bytes(digest), digest.size()) == 1;
  } else {
    const std::unique_ptr<EVP_PKEY_CTX, FreeContext> context(
        EVP_PKEY_CTX_new_from_pkey(nullptr, key.handle(), nullptr));
    good = context && EVP_PKEY_sign_init(context.get()) == 1 &&
           EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
           EVP_PKEY_CTX_set_signature_md(context.get(), EVP_sha256()) == 1 &&
           EVP_PKEY_sign(context.get(), out, &size, bytes(digest), digest.size()) == 1;
  }
  ERR_clear_error();
  signature.resize(good ? size : 0);
  return signature;
}

// A colon-separated list, folded where a line gets full.
std::string fold_names(const std::vector<std::string>& names) {
  std::string text;
  std::size_t column = 4;
  for (const auto& name : names) {
    if (!text.empty()) {
      text += ':';
      ++column;
    }
    if (column + name.size() > kMaxColumn) {
      text += "\r\n\t ";
      column = 9;
    }
    text += name;
    column += name.size();
  }
  return text;
}

std::string fold(std::string_view text) {
  std::string folded;
  for (; text.size() > kMaxColumn - 12; text.remove_prefix(kMaxColumn - 12))
    folded.append(text.substr(0, kMaxColumn - 12)).append("\r\n\t ");
  return folded.append(text);
}

std::vector<std::string> names_to_sign(const std::vector<HeaderField>& fields, bool bulk) {
  std::vector<std::string> names;
  for (const auto& field : fields)
    if (is_signed_field(field.name)) names.push_back(field.name);
  for (const char* name : oversigned_names(bulk ? keys::Profile::bulk : keys::Profile::standard)) {
    names.emplace_back(name);
    for (char& c : names.back())
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return names;
}

class OpensslSigning final : public Signing {
 public:
  OpensslSigning(const Plan& plan, OutgoingMessage message, WallTime now)
      : plan_(plan), message_(std::move(message)), now_(unix_seconds(now)) {}

  Result<void> body(std::string_view slice) override {
    message_.add_body(slice);
    return {};
  }

  Result<Signed> finish() override {
    Signed result;
    for (const auto& planned : plan_.signatures) {
      const auto field = make_field(planned);
      if (const auto checked = message_.check(planned, field); !checked) return checked.failure();
      result.fields += field;
      result.signed_by.push_back(key_name(planned));
    }
    result.verifying = message_.time_of_checks();
    return result;
  }

 private:
  std::string make_field(const PlannedSignature& planned) {
    const auto& key = planned.domain->keys[planned.key];
    const auto names = names_to_sign(message_.fields(), planned.bulk);
    std::string field = "DKIM-Signature: v=1; a=" + std::string(name_of(key.key.algorithm())) +
                        "; c=relaxed/relaxed;\r\n\td=" + planned.domain->name.text() +
                        "; s=" + key.selector + ";\r\n\tt=" + std::to_string(now_);
    if (plan_.life.count() != 0) field += "; x=" + std::to_string(now_ + plan_.life.count());
    field += ";\r\n\tbh=" + keys::encode_base64(message_.body_hash()) +
             ";\r\n\th=" + fold_names(names) + ";\r\n\tb=";
    Sha256 hash;
    hash.add(signed_octets(names, Canonicalisation::relaxed, message_.fields(), field));
    return field + fold(keys::encode_base64(sign_digest(key.key, hash.finish()))) + "\r\n";
  }

  Plan plan_;
  OutgoingMessage message_;
  std::int64_t now_;
};

class OpensslSigner final : public Signer {
 public:
  Result<std::unique_ptr<Signing>> begin(const Plan& plan, std::string_view header,
                                         WallTime now) override {
    auto message = OutgoingMessage::read(header);
    if (!message) return message.failure();
    return std::unique_ptr<Signing>(
        std::make_unique<OpensslSigning>(plan, std::move(*message), now));
  }
};

}  // namespace

std::unique_ptr<Signer> make_openssl_signer() { return std::make_unique<OpensslSigner>(); }

}  // namespace signet::sign
