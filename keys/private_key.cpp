#include "keys/private_key.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstdlib>

#include "keys/base64.hpp"
#include "keys/secret_file.hpp"

namespace signet::keys {
namespace {

constexpr unsigned kMinRsaBits = 1024;
constexpr unsigned kMinNewRsaBits = 2048;
constexpr unsigned kMaxRsaBits = 4096;  // RFC 8301 3.2: what every verifier handles.

struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioHandle = std::unique_ptr<BIO, FreeBio>;

// OpenSSL's error queue belongs to the thread: what is left in it would surprise TLS.
Failure refuse(std::string why) {
  ERR_clear_error();
  return fail(Fault::key_unavailable, std::move(why));
}

int note_encrypted(char* /*buffer*/, int /*size*/, int /*writing*/, void* encrypted) {
  *static_cast<bool*>(encrypted) = true;
  return -1;
}

std::string_view contents(BIO* bio) {
  char* octets = nullptr;
  const auto size = BIO_get_mem_data(bio, &octets);
  return {octets, static_cast<std::size_t>(size)};
}

}  // namespace

void FreeKey::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  if (pem.size() > 64UL * 1024) return refuse("over 64 KiB");
  const SecretScope scope;
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  bool encrypted = false;
  KeyHandle key(bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, note_encrypted, &encrypted)
                    : nullptr);
  if (encrypted) return refuse("the key is encrypted");
  if (!key) return refuse("no private key in PEM form");
  switch (EVP_PKEY_get_base_id(key.get())) {
    case EVP_PKEY_ED25519:
      return PrivateKey(std::move(key), Algorithm::ed25519);
    case EVP_PKEY_RSA: {
      PrivateKey rsa(std::move(key), Algorithm::rsa);
      if (rsa.bits() < kMinRsaBits)
        return refuse("RSA of " + std::to_string(rsa.bits()) + " bits: under 1024");
      if (rsa.bits() > kMaxRsaBits)
        return refuse("RSA of " + std::to_string(rsa.bits()) + " bits: over 4096");
      return rsa;
    }
    default:
      return refuse("neither RSA nor Ed25519");
  }
}

Result<PrivateKey> PrivateKey::load(const std::filesystem::path& file, bool allow_group) {
  return load(file.parent_path().empty() ? "." : file.parent_path(), file.filename(), allow_group);
}

Result<PrivateKey> PrivateKey::load(const std::filesystem::path& store,
                                    const std::filesystem::path& relative, bool allow_group) {
  const auto text =
      read_file(store, relative, allow_group ? FileRule::group_secret : FileRule::secret);
  if (!text) return fail(Fault::key_unavailable, text.error().detail);
  auto key = from_pem(text->view());
  if (!key) return refuse((store / relative).string() + ": " + key.error().detail);
  return key;
}

Result<PrivateKey> PrivateKey::generate(Algorithm algorithm, unsigned bits) {
  const SecretScope scope;
  if (algorithm == Algorithm::ed25519) {
    KeyHandle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    if (!key) return refuse("can't generate an Ed25519 key");
    return PrivateKey(std::move(key), algorithm);
  }
  if (bits < kMinNewRsaBits || bits > kMaxRsaBits)
    return fail(Fault::bad_parameter, "new RSA keys have 2048 to 4096 bits");
  KeyHandle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits)));
  if (!key) return refuse("can't generate an RSA key");
  return PrivateKey(std::move(key), algorithm);
}

unsigned PrivateKey::bits() const { return static_cast<unsigned>(EVP_PKEY_get_bits(key_.get())); }

std::string PrivateKey::public_base64() const {
  if (algorithm_ == Algorithm::ed25519) {
    std::string raw(32, '\0');
    std::size_t size = raw.size();
    if (EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()),
                                    &size) != 1)
      std::abort();
    return encode_base64(raw);
  }
  const BioHandle bio(BIO_new(BIO_s_mem()));
  if (!bio || i2d_PUBKEY_bio(bio.get(), key_.get()) != 1) std::abort();
  return encode_base64(contents(bio.get()));
}

std::string revoked_record(Algorithm algorithm) {
  return algorithm == Algorithm::rsa ? "v=DKIM1; k=rsa; p=" : "v=DKIM1; k=ed25519; p=";
}

std::string PrivateKey::dns_record() const { return revoked_record(algorithm_) + public_base64(); }

SecretText PrivateKey::to_pem() const {
  const SecretScope scope;
  const BioHandle bio(BIO_new(BIO_s_mem()));
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr,
                                            nullptr) != 1)
    std::abort();
  return SecretText(contents(bio.get()));
}

namespace {

/// RFC 1035 5.1: what is not printable as a backslash and three digits.
void append_escaped(std::string& line, char c) {
  const auto octet = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') line += '\\';
  if (octet >= ' ' && octet < 0x7f) {
    line += c;
    return;
  }
  line += '\\';
  for (const int place : {100, 10, 1}) line += static_cast<char>('0' + octet / place % 10);
}

}  // namespace

std::string txt_line(std::string_view name, std::string_view text) {
  constexpr std::size_t kMaxString = 255;
  std::string line(name);
  line.append(". IN TXT (");
  for (std::size_t at = 0; at == 0 || at < text.size(); at += kMaxString) {
    line += " \"";
    for (const char c : text.substr(at, kMaxString)) append_escaped(line, c);
    line += '"';
  }
  return line + " )";
}

std::string zone_line(std::string_view selector, std::string_view domain, std::string_view record) {
  return txt_line(std::string(selector).append("._domainkey.").append(domain), record);
}

}  // namespace signet::keys
