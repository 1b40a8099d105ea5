#include "relay/net/tls.hpp"

#include <gtest/gtest.h>

#include "tests/support/scratch_folder.hpp"
#include "tests/support/test_certificate.hpp"

namespace signet::net {
namespace {

using test::make_certificate;

class TlsTest : public ::testing::Test {
 protected:
  std::string refusal(const std::vector<CertificateFiles>& files,
                      const std::filesystem::path& client_ca = {}) const {
    const auto tls = ServerTls::load(files, client_ca);
    if (tls) return "loaded";
    EXPECT_EQ(tls.error().fault, Fault::configuration);
    return tls.error().detail;
  }

  test::ScratchFolder folder_;
  test::TestCertificate one_ = make_certificate({"one.example.com"});
  test::TestCertificate two_ = make_certificate({"two.example.com"});
  std::filesystem::path certificate_ = folder_.write("one.pem", one_.certificate);
  std::filesystem::path key_ = folder_.write("one.key", one_.key);
};

constexpr auto kEncryptedKey = R"(-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF

AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
-----END EC PRIVATE KEY-----
)";

TEST_F(TlsTest, loads_a_pair) { EXPECT_EQ(refusal({{certificate_, key_}}), "loaded"); }

TEST_F(TlsTest, names_the_file_that_is_wrong_and_why) {
  const auto text = folder_.write("text", "no PEM here\n");
  const auto missing = folder_.path() / "missing";
  struct Case {
    std::vector<CertificateFiles> files;
    std::filesystem::path client_ca;
    std::string words;
  };
  const std::vector<Case> cases{
      {{}, {}, "no certificate"},
      {{{missing, key_}}, {}, "certificate " + missing.string() + ": "},
      {{{text, key_}}, {}, "certificate " + text.string() + ": no start line"},
      {{{certificate_, missing}}, {}, "key " + missing.string() + ": "},
      {{{certificate_, folder_.write("two.key", two_.key)}}, {}, "key values mismatch"},
      {{{certificate_, folder_.write("encrypted.key", kEncryptedKey)}}, {}, "password"},
      {{{certificate_, key_}, {text, key_}}, {}, "certificate " + text.string()},
      {{{certificate_, key_}}, missing, "client_ca " + missing.string()},
      {{{certificate_, key_}}, text, "client_ca " + text.string()},
  };
  for (const auto& test : cases) {
    const auto detail = refusal(test.files, test.client_ca);
    EXPECT_NE(detail.find(test.words), std::string::npos) << detail << " lacks " << test.words;
  }
}

TEST_F(TlsTest, a_client_needs_a_readable_trust_store) {
  EXPECT_TRUE(ClientTls::load({}));
  EXPECT_TRUE(ClientTls::load(certificate_));
  const auto refused = ClientTls::load(folder_.path() / "missing");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::configuration);
  EXPECT_NE(refused.error().detail.find("missing"), std::string::npos);
}

}  // namespace
}  // namespace signet::net
