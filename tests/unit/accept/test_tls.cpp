#include "tests/unit/accept/test_tls.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>
#include <string>

namespace signet::accept::test {
namespace {

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
template <typename T>
using Owned = std::unique_ptr<T, Close>;

Owned<X509> self_signed(EVP_PKEY* key) {
  constexpr long kDay = 86'400;
  Owned<X509> made(X509_new());
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), kDay);
  X509_set_pubkey(made.get(), key);
  X509_NAME* name = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("relay.example"), -1, -1, 0);
  X509_set_issuer_name(made.get(), name);
  X509_sign(made.get(), key, EVP_sha256());
  return made;
}

}  // namespace

std::shared_ptr<const net::ServerTls> server_tls() {
  std::string folder = std::filesystem::temp_directory_path() / "signet-accept-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return nullptr;
  const std::filesystem::path base(folder);
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const auto certificate = self_signed(key.get());
  PEM_write_X509(Owned<std::FILE>(std::fopen((base / "cert.pem").c_str(), "w")).get(),
                 certificate.get());
  PEM_write_PrivateKey(Owned<std::FILE>(std::fopen((base / "key.pem").c_str(), "w")).get(),
                       key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  auto loaded = net::ServerTls::load({{base / "cert.pem", base / "key.pem"}}, {});
  std::filesystem::remove_all(base);
  return loaded ? *loaded : nullptr;
}

std::shared_ptr<const net::ClientTls> client_tls() {
  auto loaded = net::ClientTls::load({});
  return loaded ? *loaded : nullptr;
}

}  // namespace signet::accept::test
