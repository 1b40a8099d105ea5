#include "relay/sign/loaded_key.hpp"

#include <dlfcn.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cstdlib>

namespace signet::sign {
namespace {

// The one channel to a C function whose caller passes nothing of ours.
thread_local SigningWith* current = nullptr;

}  // namespace

SigningWith::SigningWith(evp_pkey_st* key) : key_(key) {
  if (current != nullptr) std::abort();
  current = this;
}

SigningWith::~SigningWith() { current = nullptr; }

evp_pkey_st* SigningWith::take(std::string_view text) {
  if (current == nullptr || text != kLoadedKeyMarker) return nullptr;
  if (EVP_PKEY_up_ref(current->key_) != 1) return nullptr;
  ++current->taken_;
  return current->key_;
}

}  // namespace signet::sign

extern "C" EVP_PKEY* PEM_read_bio_PrivateKey(BIO* bio, EVP_PKEY** key, pem_password_cb* callback,
                                             void* closure) {
  if (key == nullptr && bio != nullptr && BIO_method_type(bio) == BIO_TYPE_MEM) {
    char* text = nullptr;
    const auto size = BIO_get_mem_data(bio, &text);
    if (auto* loaded = signet::sign::SigningWith::take({text, static_cast<std::size_t>(size)}))
      return loaded;
  }
  using Real = EVP_PKEY* (*)(BIO*, EVP_PKEY**, pem_password_cb*, void*);
  static const auto real = reinterpret_cast<Real>(dlsym(RTLD_NEXT, "PEM_read_bio_PrivateKey"));
  return real == nullptr ? nullptr : real(bio, key, callback, closure);
}
