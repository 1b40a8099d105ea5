// Two signers, two verifiers: libopendkim, our own code over OpenSSL, and dkimpy must agree.
#include <gtest/gtest.h>
#include <unistd.h>

#include "relay/sign/canonicalisation.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/unit/sign/samples.hpp"

namespace signet::sign {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

std::vector<std::string> edge_bodies() {
  return {
      "",
      "\r\n",
      "\r\n\r\n\r\n",
      "no final line end",
      "white space at the end \t",
      " \t ",
      " \t \r\n",
      "trailing\r\n\r\n \r\n\t\r\n\r\n",
      "\r\n\r\nleading\r\n",
      " leading  space\t\tand\t \truns \r\n  \r\n \tx\r\n",
      "\xC3\xA4\xFF\x80 8-bit \xA0\r\n",
      "nul \0 here\0\r\n"s,
      std::string(998, 'l') + "\r\n",
      std::string(100'000, 'l') + " " + std::string(100'000, ' ') + "x\r\n",
      std::string(5000, ' ') + "\r\n",
      "a\r\n" +
          std::string(20'000, '\r')
              .replace(0, 20'000,
                       [] {
                         std::string lines;
                         for (int i = 0; i < 10'000; ++i) lines += "\r\n";
                         return lines;
                       }()) +
          "b\r\n",
      ".\r\n..\r\n",
  };
}

std::string text_of(std::size_t size) {
  std::string text;
  std::uint32_t state = 1;
  while (text.size() < size) {
    state = state * 1664525U + 1013904223U;
    const auto kind = state >> 24U;
    if (kind < 30)
      text += ' ';
    else if (kind < 34)
      text += "\t ";
    else if (kind < 38)
      text += "\r\n";
    else
      text += static_cast<char>('!' + kind % 90);
  }
  return text + "\r\n";
}

class DifferentialTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = make_opendkim_signer();
    ASSERT_TRUE(made) << made.error().detail;
    opendkim_ = std::move(*made);
  }
  std::unique_ptr<Signer> opendkim_;
  std::unique_ptr<Signer> openssl_ = make_openssl_signer();
  Plan plan_ = plan_for(domain_with("a.example", true, true));
};

TEST_F(DifferentialTest, both_signers_verify_over_edge_bodies) {
  for (const auto& body : edge_bodies()) {
    for (auto* signer : {opendkim_.get(), openssl_.get()}) {
      const auto result = sign_with(*signer, plan_, kHeader, body, 1000);
      ASSERT_TRUE(result) << result.error().detail << testing::PrintToString(body.substr(0, 50));
      EXPECT_EQ(verify_all(result->fields + std::string(kHeader) + "\r\n" + body, 2), "");
    }
  }
}

TEST_F(DifferentialTest, a_body_may_be_cut_anywhere) {
  const auto plan = plan_for(domain_with("a.example", false, true));
  const std::string body = "\r\n a \t\r\n\r\n \r\nb\tc\r\n\r\n \r\n\r\n";
  for (std::size_t first = 0; first <= body.size(); ++first) {
    for (std::size_t second = first; second <= body.size(); ++second) {
      auto signing = opendkim_->begin(plan, kHeader, kNow);
      ASSERT_TRUE(signing);
      ASSERT_TRUE((*signing)->body(body.substr(0, first)));
      ASSERT_TRUE((*signing)->body(body.substr(first, second - first)));
      ASSERT_TRUE((*signing)->body(body.substr(second)));
      const auto result = (*signing)->finish();
      ASSERT_TRUE(result) << first << " " << second << " " << result.error().detail;
    }
  }
}

TEST_F(DifferentialTest, ten_mebibytes_in_slices_of_64_kib) {
  const auto body = text_of(10UL << 20U);
  const auto result = sign_with(*opendkim_, plan_, kHeader, body);
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(verify_all(result->fields + std::string(kHeader) + "\r\n" + body, 2), "");
}

TEST_F(DifferentialTest, both_signers_verify_over_odd_headers) {
  for (const std::string_view field :
       {"Subject:\r\n", "Subject: \r\n", "Subject:\r\n \r\n", "SUBJECT : x\r\n",
        "Subject:\tx \r\n \t y\t\r\n", "Subject: a\r\nSubject: b\r\nsubject: c\r\n",
        "Subject: =?utf-8?q?=C3=A4?=\r\n", "Subject: \xC3\xA4 raw\r\n", "Subject: a:b;c=d\r\n",
        "List-X: 1\r\nReply-To: a@b.example\r\nSender: a@b.example\r\nReferences: <a>\r\n "
        "<b>\r\n"}) {
    const auto header = std::string(field) + "From: a@a.example\r\n";
    for (auto* signer : {opendkim_.get(), openssl_.get()}) {
      const auto result = sign_with(*signer, plan_, header, "x\r\n");
      ASSERT_TRUE(result) << field << result.error().detail;
      EXPECT_EQ(verify_all(result->fields + header + "\r\nx\r\n", 2), "") << field;
    }
  }
}

constexpr std::string_view kCheck = R"(
import sys, dkim, nacl
records = dict(line.rstrip("\n").split(" ", 1) for line in open(sys.argv[1]))
bad = 0
for name in sys.argv[2:]:
    message = open(name, "rb").read()
    checker = dkim.DKIM(message)
    find = lambda question, timeout=5: records[question.decode().rstrip(".")].encode()
    count = sum(1 for field, _ in checker.headers if field.lower() == b"dkim-signature")
    for index in range(count):
        if not checker.verify(idx=index, dnsfunc=find):
            print(name, index)
            bad += 1
sys.exit(bad != 0)
)";

/// Python with the modules of the unpacked test peers.
std::string peer_python() {
  const std::string root = std::string(SIGNET_SOURCE_DIR) + "/build/peers/root/usr/lib";
  return "LD_LIBRARY_PATH=" + root + "/x86_64-linux-gnu:" + root +
         "/aarch64-linux-gnu PYTHONPATH=" + root + "/python3/dist-packages /usr/bin/python3";
}

TEST_F(DifferentialTest, dkimpy_accepts_what_libopendkim_signed) {
  if (std::system((peer_python() + " -c 'import dkim, nacl' 2>/dev/null").c_str()) != 0)
    GTEST_SKIP() << "no python3-dkim or python3-nacl: tests/support/fetch_peers.sh brings them";
  const test::ScratchFolder folder;
  std::ofstream(folder / "check.py") << kCheck;
  std::ofstream(folder / "records")
      << "r1._domainkey.a.example " << rsa_key().dns_record() << "\ne1._domainkey.a.example "
      << ed25519_key().dns_record() << "\n";
  int number = 0;
  // dkimpy takes the real time for x=.
  plan_.life = std::chrono::seconds(0);
  auto bodies = edge_bodies();
  // Its expressions take quadratic time over runs of white space.
  std::erase_if(bodies, [](const auto& body) {
    return body.size() > 10'000 || (!body.empty() && !body.ends_with("\r\n"));
  });
  for (const auto& body : bodies) {
    const auto result = sign_with(*opendkim_, plan_, kHeader, body);
    ASSERT_TRUE(result);
    std::ofstream(folder / (std::to_string(number++) + ".eml"), std::ios::binary)
        << result->fields << kHeader << "\r\n"
        << body;
  }
  const auto command = peer_python() + " " + (folder / "check.py").string() + " " +
                       (folder / "records").string() + " " + folder.path().string() + "/*.eml";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace signet::sign
