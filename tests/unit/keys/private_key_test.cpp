#include "keys/private_key.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "keys/base64.hpp"
#include "tests/support/scratch_folder.hpp"

namespace signet::keys {
namespace {

namespace fs = std::filesystem;

class KeyFileTest : public testing::Test {
 protected:
  void SetUp() override {
    auto key = PrivateKey::generate(Algorithm::ed25519);
    ASSERT_TRUE(key);
    pem_ = key->to_pem().view();
  }

  fs::path write(const fs::path& relative, std::string_view text, mode_t mode = 0600) {
    return folder_.write(relative, text, mode);
  }

  test::ScratchFolder folder_;
  fs::path root_ = folder_.path();
  std::string pem_;
};

TEST_F(KeyFileTest, reads_what_it_wrote) {
  const auto key = PrivateKey::load(write("s.pem", pem_), false);
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->algorithm(), Algorithm::ed25519);
  EXPECT_EQ(key->to_pem().view(), pem_);
}

struct ModeCase {
  mode_t mode;
  bool allow_group;
  bool readable;
};

TEST_F(KeyFileTest, obeys_the_access_rule) {
  for (const auto& [mode, allow_group, readable] : std::vector<ModeCase>{
           {0600, false, true},
           {0400, false, true},
           {0640, false, false},
           {0640, true, true},
           {0440, true, true},
           {0660, true, false},
           {0650, true, false},
           {0604, false, false},
           {0644, true, false},
           {0601, true, false},
       }) {
    const auto file = write("s.pem", pem_);
    ASSERT_EQ(chmod(file.c_str(), mode), 0);
    const auto key = PrivateKey::load(file, allow_group);
    EXPECT_EQ(key.has_value(), readable) << std::oct << mode << " " << allow_group;
    if (!key) EXPECT_EQ(key.error().fault, Fault::key_unavailable);
    fs::remove(file);
  }
}

TEST_F(KeyFileTest, refuses_the_file_of_another_user) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to give a file away";
  const auto file = write("s.pem", pem_);
  ASSERT_EQ(chown(file.c_str(), 12345, 12345), 0);
  const auto key = PrivateKey::load(file, false);
  ASSERT_FALSE(key);
  EXPECT_NE(key.error().detail.find("another user"), std::string::npos) << key.error().detail;
}

TEST_F(KeyFileTest, does_not_wait_for_a_fifo) {
  const auto file = root_ / "s.pem";
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
  const auto key = PrivateKey::load(file, false);
  ASSERT_FALSE(key);
  EXPECT_NE(key.error().detail.find("regular"), std::string::npos) << key.error().detail;
}

TEST_F(KeyFileTest, follows_links_beneath_the_store_only) {
  write("store/..data/s.pem", pem_);
  write("elsewhere/s.pem", pem_);
  const auto store = root_ / "store";
  fs::create_directories(store / "a.example");
  fs::create_symlink("../..data/s.pem", store / "a.example/inside.pem");
  fs::create_symlink("../../elsewhere/s.pem", store / "a.example/outside.pem");
  fs::create_symlink(root_ / "store/..data/s.pem", store / "a.example/absolute.pem");
  fs::create_symlink("..data", store / "b.example");
  EXPECT_TRUE(PrivateKey::load(store, "a.example/inside.pem", false));
  EXPECT_TRUE(PrivateKey::load(store, "b.example/s.pem", false));
  const auto outside = PrivateKey::load(store, "a.example/outside.pem", false);
  ASSERT_FALSE(outside);
  EXPECT_NE(outside.error().detail.find("out of the store"), std::string::npos);
  EXPECT_FALSE(PrivateKey::load(store, "a.example/absolute.pem", false));
  EXPECT_FALSE(PrivateKey::load(store / "a.example/inside.pem", false));
}

TEST_F(KeyFileTest, refuses_directories_empty_and_huge_files) {
  fs::create_directories(root_ / "d.pem");
  EXPECT_FALSE(PrivateKey::load(root_ / "d.pem", false));
  EXPECT_FALSE(PrivateKey::load(write("empty.pem", ""), false));
  EXPECT_FALSE(PrivateKey::load(write("huge.pem", std::string(64 * 1024, '\n') + pem_), false));
  EXPECT_FALSE(PrivateKey::load(root_ / "none.pem", false));
}

TEST_F(KeyFileTest, never_repeats_key_material_in_an_error) {
  const auto key = PrivateKey::load(write("s.pem", pem_.substr(0, pem_.size() - 40)), false);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().detail.find(pem_.substr(40, 8)), std::string::npos);
}

struct PemCase {
  std::string_view pem;
  std::string_view why;
};

// openssl genrsa 512; genpkey -algorithm EC; genpkey -algorithm ed25519 -aes128, password "x".
constexpr std::string_view kTinyRsa = R"(-----BEGIN RSA PRIVATE KEY-----
MIIBOgIBAAJBAOPOaHkFJWwq2fNhd3/RSf3RXw9C7eWLbvI9Gm9kixh5PtaBj8BT
tJg8+4JnUyn3sLzgP9izbcgqxMHGOr3kat0CAwEAAQJBANVlEgpjnrWfwoCxSa6r
D6O7EFAMgysmnSw/vtagGYg2rprbSg7Uy+ijBiDsjXjYKQB9XhNjKnaHlMGW6l0S
QiECIQD8fGgl1ND1w1AJ8o3his+hbVz6hJWaz5rUsSFshw8iBQIhAOb6EadcMV+P
8iHOBWkb7ajicN/nIwy7FGebAFZJB0T5AiB5LsDR/433lzGwRJGigfxbz2DEAKTJ
dAEtOoL/UueJfQIgLOsKzdo++8+Zjftrz/IPeN14iAKCLXKgWDmrihwvnrkCIDuD
ZJuly0SbvY+x5asyhpWTQJH3lOmXftbUEhddOLx7
-----END RSA PRIVATE KEY-----
)";
constexpr std::string_view kElliptic = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPJsLAQHEXd2gWqBq
KLU3QwXN2lzXIUZaMt2jOEfGQd6hRANCAAQJjk8AuRqPlmNmc/bCgsA3NMy2ykTs
uro86nPH4QPxLU5JzCllPAKzrPBCdzCvYqA7m6AKdweQXUuZ6W04rfTm
-----END PRIVATE KEY-----
)";
constexpr std::string_view kEncrypted = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgCfBPVJQeG2wICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEOx2cUxzQcnJiKwGpWpPm5YEQLLh
qMORIpHsh1fw9XFbn+nTvnVvi2awgOSGpNjMg/H8xjmbG0F012UK1OCRlOfYrK6n
cKsXWqk7xRNAnHx/bMo=
-----END ENCRYPTED PRIVATE KEY-----
)";

TEST(PrivateKeyTest, says_why_a_key_is_of_no_use) {
  for (const auto& [pem, why] : std::vector<PemCase>{
           {"", "PEM"},
           {"MIIEvQIBADANBg", "PEM"},
           {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "PEM"},
           {"-----BEGIN SIGNET LOADED KEY-----\n", "PEM"},
           {kTinyRsa, "512 bits: under 1024"},
           {kElliptic, "neither RSA nor Ed25519"},
           {kEncrypted, "encrypted"},
       }) {
    const auto key = PrivateKey::from_pem(pem);
    ASSERT_FALSE(key) << pem;
    EXPECT_EQ(key.error().fault, Fault::key_unavailable);
    EXPECT_NE(key.error().detail.find(why), std::string::npos) << key.error().detail;
  }
}

TEST(PrivateKeyTest, refuses_new_rsa_keys_below_2048_and_above_4096) {
  for (const unsigned bits : {512U, 1024U, 2047U, 4097U, 8192U}) {
    const auto key = PrivateKey::generate(Algorithm::rsa, bits);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().fault, Fault::bad_parameter);
  }
}

TEST(PrivateKeyTest, rsa_record_holds_a_subject_public_key_info) {
  const auto key = PrivateKey::generate(Algorithm::rsa);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->bits(), 2048U);
  EXPECT_EQ(key->dns_record(), "v=DKIM1; k=rsa; p=" + key->public_base64());
  const auto der = decode_base64(key->public_base64());
  ASSERT_TRUE(der);
  EXPECT_EQ(der->size(), 294U);
}

// RFC 8463 A.2: seed and public key.
TEST(PrivateKeyTest, ed25519_record_is_that_of_rfc_8463) {
  const std::string der = *decode_base64("MC4CAQAwBQYDK2VwBCIEIA==") +
                          *decode_base64("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
  const auto key = PrivateKey::from_pem("-----BEGIN PRIVATE KEY-----\n" + encode_base64(der) +
                                        "\n-----END PRIVATE KEY-----\n");
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(key->dns_record(),
            "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
}

TEST(ZoneLineTest, splits_at_255_octets_and_escapes) {
  EXPECT_EQ(zone_line("s", "example.com", "v=DKIM1"),
            R"(s._domainkey.example.com. IN TXT ( "v=DKIM1" ))");
  EXPECT_EQ(zone_line("s", "example.com", std::string(300, 'x')),
            "s._domainkey.example.com. IN TXT ( \"" + std::string(255, 'x') + "\" \"" +
                std::string(45, 'x') + "\" )");
  EXPECT_EQ(zone_line("s", "e.example", R"(a"b\c)"),
            R"(s._domainkey.e.example. IN TXT ( "a\"b\\c" ))");
}

TEST(Base64Test, is_strict) {
  for (const std::string_view good : {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "+/+/"})
    EXPECT_EQ(encode_base64(*decode_base64(good)), good);
  EXPECT_EQ(decode_base64("Z m\t9\r\n v"), "foo");
  for (const std::string_view bad :
       {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z=g=", "Zm-v", "="})
    EXPECT_FALSE(decode_base64(bad)) << bad;
}

}  // namespace
}  // namespace signet::keys
