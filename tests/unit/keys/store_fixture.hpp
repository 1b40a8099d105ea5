// A store in a temporary directory.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "keys/signing_domain.hpp"
#include "tests/support/scratch_folder.hpp"

namespace signet::keys {

class StoreTest : public testing::Test {
 protected:
  std::filesystem::path write(const std::filesystem::path& relative, std::string_view text,
                              mode_t mode = 0600) const {
    return folder_.write(store_ / relative, text, mode);
  }

  static Domain domain(std::string_view text) { return std::move(*Domain::parse(text)); }

  // Made once: RSA keys take long.
  static const std::string& rsa_pem() {
    static const std::string pem(PrivateKey::generate(Algorithm::rsa)->to_pem().view());
    return pem;
  }
  static const std::string& ed25519_pem() {
    static const std::string pem(PrivateKey::generate(Algorithm::ed25519)->to_pem().view());
    return pem;
  }

  test::ScratchFolder folder_;
  std::filesystem::path store_ = folder_.path();
};

}  // namespace signet::keys
