#include "relay/sign/verifier.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "keys/key_record.hpp"
#include "keys/private_key.hpp"
#include "relay/sign/check.hpp"

namespace signet::sign {
namespace {

constexpr std::size_t kMaxSignatures = 20;
constexpr FieldLimits kLimits{.fields = 2000, .name_bytes = 1000};
constexpr int kMinRsaBits = 1024;  // RFC 8301 3.2.
constexpr int kMaxRsaBits = 8192;

struct Verdict {
  SignatureResult result;
  std::string reason;
};

// The hash of a body, as some signature asks for it.
struct Hashed {
  Canonicalisation mode;
  std::optional<std::uint64_t> limit;
  std::unique_ptr<BodyHash> sum;
  std::string hash = {};  // When the body has ended.
};

struct FoundSignature {
  std::string_view field;
  Result<SignatureTags> tags;
  std::size_t hash = 0;  // Index of its Hashed.
};

Canonicalisation body_mode(const SignatureTags& tags) {
  return tags.relaxed_body ? Canonicalisation::relaxed : Canonicalisation::simple;
}

keys::KeyHandle load_rsa(const std::string& octets) {
  const auto* at = reinterpret_cast<const unsigned char*>(octets.data());
  const auto size = static_cast<long>(octets.size());
  keys::KeyHandle key(d2i_PUBKEY(nullptr, &at, size));
  if (key && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_RSA) return key;
  // RFC 6376 3.6.1 says RSAPublicKey, its examples are SubjectPublicKeyInfo: both are in the field.
  at = reinterpret_cast<const unsigned char*>(octets.data());
  return keys::KeyHandle(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size));
}

keys::KeyHandle load_key(const keys::PublicKeyRecord& record) {
  if (record.algorithm == "ed25519")
    return keys::KeyHandle(EVP_PKEY_new_raw_public_key(
        EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(record.key.data()),
        record.key.size()));
  return load_rsa(record.key);
}

Verdict permerror(std::string reason) { return {SignatureResult::permerror, std::move(reason)}; }

// RFC 6376 6.1.2, steps 3 to 9.
std::optional<Verdict> judge_record(const SignatureTags& tags,
                                    const keys::PublicKeyRecord& record) {
  const bool ed25519 = tags.algorithm == "ed25519-sha256";
  if (record.key.empty()) return permerror("the key is revoked");
  if (record.algorithm != (ed25519 ? "ed25519" : "rsa"))
    return permerror("the key is of another type");
  if (!record.allows_sha256) return permerror("the key forbids sha256");
  if (!record.allows_email) return permerror("the key is not for mail");
  if (record.strict_identity && !tags.identity.ends_with("@" + tags.domain))
    return permerror("the key forbids subdomains in i=");
  return std::nullopt;
}

std::string key_name(const SignatureTags& tags) {
  return tags.selector + "._domainkey." + tags.domain;
}

Verdict judge_key(const FoundSignature& found, const std::vector<HeaderField>& fields,
                  const Hashed& body, const keys::PublicKeyRecord& record) {
  const SignatureTags& tags = *found.tags;
  if (auto refused = judge_record(tags, record)) return std::move(*refused);
  const auto key = load_key(record);
  ERR_clear_error();
  if (!key) return permerror("the key can't be read");
  if (record.algorithm == "rsa") {
    const int bits = EVP_PKEY_get_bits(key.get());
    if (bits < kMinRsaBits) return permerror("RSA under 1024 bits");
    if (bits > kMaxRsaBits) return permerror("RSA over 8192 bits");
  }
  if (tags.body_length && *tags.body_length > body.sum->size())
    return permerror("l= is more than the body");
  const auto checked = check_signature(tags, found.field, fields, body.hash, key.get());
  if (!checked) return {SignatureResult::fail, checked.error().detail};
  return {SignatureResult::pass, {}};
}

Verdict judge(const FoundSignature& found, const std::vector<HeaderField>& fields,
              const Hashed& body, const KeyLookup& lookup, std::int64_t now) {
  const SignatureTags& tags = *found.tags;
  // RFC 8301 3.1: rsa-sha1 is as good as no signature.
  if (tags.algorithm != "rsa-sha256" && tags.algorithm != "ed25519-sha256")
    return permerror("algorithm not supported");
  if (tags.expiry && now > *tags.expiry) return {SignatureResult::fail, "expired"};
  const auto text = lookup(key_name(tags));
  if (!text) {
    const bool temporary = is_transient(text.error().fault);
    return {temporary ? SignatureResult::temperror : SignatureResult::permerror,
            temporary ? "the key can't be looked up now" : "no key"};
  }
  const auto record = keys::parse_key_record(*text);
  if (!record) return permerror("key record: " + record.error().detail);
  return judge_key(found, fields, body, *record);
}

}  // namespace

struct MessageVerifier::Impl {
  explicit Impl(std::string_view text) : header(text) {
    auto split = split_header(header, kLimits);
    if (!split) {
      broken = split.error().detail;
      return;
    }
    fields = std::move(*split);
    for (const auto& field : fields) {
      if (field.name != "dkim-signature") continue;
      if (signatures.size() == kMaxSignatures) break;
      add(field.text);
    }
  }

  void add(std::string_view field) {
    auto value = field.substr(field.find(':') + 1);
    value.remove_suffix(2);
    FoundSignature found{field, parse_signature(value)};
    if (found.tags) found.hash = hash_for(body_mode(*found.tags), found.tags->body_length);
    signatures.push_back(std::move(found));
  }

  std::size_t hash_for(Canonicalisation mode, std::optional<std::uint64_t> limit) {
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      if (hashes[i].mode == mode && hashes[i].limit == limit) return i;
    }
    hashes.push_back({mode, limit, std::make_unique<BodyHash>(mode, limit)});
    return hashes.size() - 1;
  }

  std::string header;
  std::string broken;
  std::vector<HeaderField> fields;
  std::vector<FoundSignature> signatures;
  std::vector<Hashed> hashes;
};

MessageVerifier::MessageVerifier(std::string_view header) : impl_(std::make_unique<Impl>(header)) {}
MessageVerifier::~MessageVerifier() = default;
MessageVerifier::MessageVerifier(MessageVerifier&&) noexcept = default;
MessageVerifier& MessageVerifier::operator=(MessageVerifier&&) noexcept = default;

std::vector<std::string> MessageVerifier::key_names() const {
  std::vector<std::string> names;
  for (const auto& found : impl_->signatures) {
    if (found.tags) names.push_back(key_name(*found.tags));
  }
  return names;
}

void MessageVerifier::body(std::string_view slice) {
  for (Hashed& hashed : impl_->hashes) hashed.sum->add(slice);
}

std::vector<SignatureVerdict> MessageVerifier::finish(const KeyLookup& lookup, std::int64_t now) {
  if (!impl_->broken.empty()) return {{SignatureResult::permerror, {}, {}, {}, impl_->broken}};
  for (Hashed& hashed : impl_->hashes) hashed.hash = hashed.sum->finish();
  std::vector<SignatureVerdict> verdicts;
  for (const auto& found : impl_->signatures) {
    if (!found.tags) {
      verdicts.push_back({SignatureResult::permerror, {}, {}, {}, found.tags.error().detail});
      continue;
    }
    auto verdict = judge(found, impl_->fields, impl_->hashes[found.hash], lookup, now);
    verdicts.push_back({verdict.result, found.tags->domain, found.tags->selector,
                        found.tags->algorithm, std::move(verdict.reason)});
  }
  return verdicts;
}

std::vector<SignatureVerdict> verify_message(std::string_view message, const KeyLookup& lookup,
                                             std::int64_t now) {
  auto header = message;
  std::string_view body;
  if (message.starts_with("\r\n")) {
    header = {};
    body = message.substr(2);
  } else if (const auto end = message.find("\r\n\r\n"); end != std::string_view::npos) {
    header = message.substr(0, end + 2);
    body = message.substr(end + 4);
  }
  MessageVerifier verifier(header);
  verifier.body(body);
  return verifier.finish(lookup, now);
}

}  // namespace signet::sign
