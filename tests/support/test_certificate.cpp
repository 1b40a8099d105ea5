#include "tests/support/test_certificate.hpp"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <memory>

namespace signet::test {
namespace {

struct Free {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

void check(bool held) {
  if (!held) std::abort();
}

Owned<BIO> memory(const std::string& text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string contents(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

Owned<X509> read_certificate(const std::string& pem) {
  Owned<X509> certificate(PEM_read_bio_X509(memory(pem).get(), nullptr, nullptr, nullptr));
  check(certificate != nullptr);
  return certificate;
}

void add_extension(X509* certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  check(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

bool is_address(const std::string& name) {
  std::array<unsigned char, 16> octets{};
  return inet_pton(AF_INET, name.c_str(), octets.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), octets.data()) == 1;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string value;
  for (const auto& name : names) {
    if (!value.empty()) value += ',';
    value += (is_address(name) ? "IP:" : "DNS:") + name;
  }
  return value;
}

Owned<X509> unsigned_certificate(const std::string& common_name, EVP_PKEY* key) {
  Owned<X509> certificate(X509_new());
  std::uint64_t serial = 0;
  check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1U);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86400);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  return certificate;
}

TestCertificate finish(X509* certificate, EVP_PKEY* key, EVP_PKEY* issuer_key) {
  check(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
  const Owned<BIO> certificate_pem(BIO_new(BIO_s_mem()));
  const Owned<BIO> key_pem(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_X509(certificate_pem.get(), certificate) == 1);
  check(PEM_write_bio_PrivateKey(key_pem.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return {contents(certificate_pem.get()), contents(key_pem.get())};
}

}  // namespace

std::string TestCertificate::fingerprint() const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const auto x509 = read_certificate(certificate);
  check(X509_digest(x509.get(), EVP_sha256(), digest.data(), &length) == 1);
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    text += "0123456789abcdef"[digest[i] / 16];
    text += "0123456789abcdef"[digest[i] % 16];
  }
  return text;
}

TestCertificate make_authority(const std::string& common_name) {
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const auto certificate = unsigned_certificate(common_name, key.get());
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  add_extension(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash");
  return finish(certificate.get(), key.get(), key.get());
}

TestCertificate make_certificate(const std::vector<std::string>& names,
                                 const TestCertificate* issuer) {
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const auto certificate = unsigned_certificate(names.front(), key.get());
  const auto authority = issuer == nullptr ? nullptr : read_certificate(issuer->certificate);
  X509* signer = authority ? authority.get() : certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(signer));
  add_extension(certificate.get(), signer, NID_subject_alt_name, alternative_names(names));
  if (issuer == nullptr) return finish(certificate.get(), key.get(), key.get());
  const Owned<EVP_PKEY> issuer_key(
      PEM_read_bio_PrivateKey(memory(issuer->key).get(), nullptr, nullptr, nullptr));
  return finish(certificate.get(), key.get(), issuer_key.get());
}

}  // namespace signet::test
