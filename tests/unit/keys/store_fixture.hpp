// A store in a temporary directory.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "keys/signing_domain.hpp"

namespace signet::keys {

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "signet-store-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    store_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(store_); }

  std::filesystem::path write(const std::filesystem::path& relative, std::string_view text,
                              mode_t mode = 0600) const {
    const auto file = store_ / relative;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    EXPECT_EQ(chmod(file.c_str(), mode), 0);
    return file;
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

  std::filesystem::path store_;
};

}  // namespace signet::keys
