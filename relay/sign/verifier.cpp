#include "relay/sign/verifier.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

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

// A message taken apart, with the body hashes already asked for.
struct Message {
  std::vector<HeaderField> fields;
  std::string_view body;

  struct Hashed {
    Canonicalisation mode;
    std::optional<std::uint64_t> limit;
    std::string hash;
    std::uint64_t size;
  };
  std::vector<Hashed> hashes;

  const Hashed& hash(Canonicalisation mode, std::optional<std::uint64_t> limit) {
    for (const auto& known : hashes)
      if (known.mode == mode && known.limit == limit) return known;
    BodyHash body_hash(mode, limit);
    body_hash.add(body);
    auto octets = body_hash.finish();
    return hashes.emplace_back(Hashed{mode, limit, std::move(octets), body_hash.size()});
  }
};

keys::KeyHandle load_rsa(const std::string& octets) {
  const auto* at = reinterpret_cast<const unsigned char*>(octets.data());
  const auto size = static_cast<long>(octets.size());
  keys::KeyHandle key(d2i_PUBKEY(nullptr, &at, size));
  if (key && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_RSA) return key;
  // RFC 6376 3.6.1 says RSAPublicKey, its examples are SubjectPublicKeyInfo: both are in the field.
  at = reinterpret_cast<const unsigned char*>(octets.data());
  return keys::KeyHandle(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size));
}

keys::KeyHandle load_key(const PublicKeyRecord& record) {
  if (record.algorithm == "ed25519")
    return keys::KeyHandle(EVP_PKEY_new_raw_public_key(
        EVP_PKEY_ED25519, nullptr, reinterpret_cast<const unsigned char*>(record.key.data()),
        record.key.size()));
  return load_rsa(record.key);
}

Verdict permerror(std::string reason) { return {SignatureResult::permerror, std::move(reason)}; }

// RFC 6376 6.1.2, steps 3 to 9.
std::optional<Verdict> judge_record(const SignatureTags& tags, const PublicKeyRecord& record) {
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

Verdict judge_key(const SignatureTags& tags, std::string_view field, Message& message,
                  const PublicKeyRecord& record) {
  if (auto refused = judge_record(tags, record)) return std::move(*refused);
  const auto key = load_key(record);
  ERR_clear_error();
  if (!key) return permerror("the key can't be read");
  if (record.algorithm == "rsa") {
    const int bits = EVP_PKEY_get_bits(key.get());
    if (bits < kMinRsaBits) return permerror("RSA under 1024 bits");
    if (bits > kMaxRsaBits) return permerror("RSA over 8192 bits");
  }
  const auto mode = tags.relaxed_body ? Canonicalisation::relaxed : Canonicalisation::simple;
  const auto& body = message.hash(mode, tags.body_length);
  if (tags.body_length && *tags.body_length > body.size)
    return permerror("l= is more than the body");
  const auto checked = check_signature(tags, field, message.fields, body.hash, key.get());
  if (!checked) return {SignatureResult::fail, checked.error().detail};
  return {SignatureResult::pass, {}};
}

Verdict judge(const SignatureTags& tags, std::string_view field, Message& message,
              const KeyLookup& lookup, std::int64_t now) {
  // RFC 8301 3.1: rsa-sha1 is as good as no signature.
  if (tags.algorithm != "rsa-sha256" && tags.algorithm != "ed25519-sha256")
    return permerror("algorithm not supported");
  if (tags.expiry && now > *tags.expiry) return {SignatureResult::fail, "expired"};
  const auto text = lookup(tags.selector + "._domainkey." + tags.domain);
  if (!text) {
    const bool temporary = is_transient(text.error().fault);
    return {temporary ? SignatureResult::temperror : SignatureResult::permerror,
            temporary ? "the key can't be looked up now" : "no key"};
  }
  const auto record = parse_key_record(*text);
  if (!record) return permerror("key record: " + record.error().detail);
  return judge_key(tags, field, message, *record);
}

SignatureVerdict verify_one(std::string_view field, Message& message, const KeyLookup& lookup,
                            std::int64_t now) {
  auto value = field.substr(field.find(':') + 1);
  value.remove_suffix(2);
  const auto tags = parse_signature(value);
  if (!tags) return {SignatureResult::permerror, {}, {}, {}, tags.error().detail};
  auto verdict = judge(*tags, field, message, lookup, now);
  return {verdict.result, tags->domain, tags->selector, tags->algorithm, std::move(verdict.reason)};
}

}  // namespace

std::vector<SignatureVerdict> verify_message(std::string_view message, const KeyLookup& lookup,
                                             std::int64_t now) {
  auto header = message;
  Message parts;
  if (message.starts_with("\r\n")) {
    header = {};
    parts.body = message.substr(2);
  } else if (const auto end = message.find("\r\n\r\n"); end != std::string_view::npos) {
    header = message.substr(0, end + 2);
    parts.body = message.substr(end + 4);
  }
  auto fields = split_header(header, kLimits);
  if (!fields) return {{SignatureResult::permerror, {}, {}, {}, fields.error().detail}};
  parts.fields = std::move(*fields);

  std::vector<SignatureVerdict> verdicts;
  for (const auto& field : parts.fields) {
    if (field.name != "dkim-signature") continue;
    if (verdicts.size() == kMaxSignatures) break;
    verdicts.push_back(verify_one(field.text, parts, lookup, now));
  }
  return verdicts;
}

}  // namespace signet::sign
