// key_holder PEM...: loads private keys, signs with each as the relay does, says "ready" and holds
// them until its input ends. Without sanitizers, so that gcore can take a core of it.
#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <memory>
#include <vector>

#include "keys/private_key.hpp"
#include "relay/commands.hpp"

namespace {

using signet::keys::PrivateKey;

bool sign(const PrivateKey& key) {
  const signet::SecretScope scope;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  const bool is_rsa = key.algorithm() == signet::keys::Algorithm::rsa;
  std::array<unsigned char, 512> signature{};
  std::size_t size = signature.size();
  constexpr std::array<unsigned char, 5> kMessage{'h', 'e', 'l', 'l', 'o'};
  return EVP_DigestSignInit(context.get(), nullptr, is_rsa ? EVP_sha256() : nullptr, nullptr,
                            key.handle()) == 1 &&
         EVP_DigestSign(context.get(), signature.data(), &size, kMessage.data(), kMessage.size()) ==
             1;
}

}  // namespace

int main(int argc, char** argv) {
  signet::commands::protect_keys();
  std::vector<PrivateKey> keys;
  for (int i = 1; i < argc; ++i) {
    auto key = PrivateKey::load(argv[i], false);
    if (!key || !sign(*key)) return 1;
    const auto text = key->to_pem();
    if (!PrivateKey::from_pem(text.view())) return 1;
    keys.push_back(std::move(*key));
  }
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}
