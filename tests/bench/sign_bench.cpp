// What signing costs over the raw signature, in one run: figures as JSON on standard output.
//
// CPU seconds of the thread, not of the clock, so that a busy machine changes little; raw and whole
// runs alternate, so that what changes changes both.
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "relay/sign/signer.hpp"

namespace {

using namespace signet;

constexpr WallTime kNow{std::chrono::seconds(1'600'000'000)};
constexpr std::string_view kHeader =
    "Received: from client.example by relay.example with ESMTP id 0123456789A;\r\n"
    "\tMon, 23 Nov 2026 17:00:00 +0000\r\n"
    "From: Somebody <somebody@a.example>\r\n"
    "To: Somebody Else <else@b.example>\r\n"
    "Subject: A message of four kibibytes\r\n"
    "Date: Mon, 23 Nov 2026 17:00:00 +0000\r\n"
    "Message-ID: <0123456789A@a.example>\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n";

std::string text_body(std::size_t size) {
  std::string body;
  while (body.size() < size) body += "The quick brown fox jumps over the lazy dog, and so on. \r\n";
  body.resize(size - 2);
  return body + "\r\n";
}

std::shared_ptr<const keys::SigningDomain> make_domain(bool rsa, bool ed25519) {
  auto domain = std::make_shared<keys::SigningDomain>(
      keys::SigningDomain{.name = std::move(*Domain::parse("a.example")), .keys = {}});
  const auto add = [&](const char* selector, keys::Algorithm algorithm) {
    auto made = keys::PrivateKey::generate(algorithm);
    // As from a file: a parsed key is not the object a generated one is.
    domain->keys.push_back(
        {selector, std::move(*keys::PrivateKey::from_pem(made->to_pem().view()))});
  };
  if (rsa) add("s1", keys::Algorithm::rsa);
  if (ed25519) add("e1", keys::Algorithm::ed25519);
  return domain;
}

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Count {
  double cpu = 0;
  std::size_t done = 0;
  [[nodiscard]] double rate() const { return static_cast<double>(done) / cpu; }
};

void run_for(double seconds, Count& count, const std::function<void()>& work) {
  const double begin = cpu_seconds();
  double now = begin;
  while (now - begin < seconds) {
    for (int i = 0; i < 8; ++i) work();
    count.done += 8;
    now = cpu_seconds();
  }
  count.cpu += now - begin;
}

void require(bool good) {
  if (good) return;
  std::fputs("sign_bench: a signature failed\n", stderr);
  std::exit(1);
}

std::function<void()> raw_signature(const keys::PrivateKey& key) {
  return [&key] {
    unsigned char digest[32] = {1};
    unsigned char signature[512];
    std::size_t size = sizeof signature;
    if (key.algorithm() == keys::Algorithm::ed25519) {
      EVP_MD_CTX* context = EVP_MD_CTX_new();
      require(EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key.handle()) == 1 &&
              EVP_DigestSign(context, signature, &size, digest, sizeof digest) == 1);
      EVP_MD_CTX_free(context);
      return;
    }
    EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(key.handle(), nullptr);
    require(EVP_PKEY_sign_init(context) == 1 &&
            EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
            EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
            EVP_PKEY_sign(context, signature, &size, digest, sizeof digest) == 1);
    EVP_PKEY_CTX_free(context);
  };
}

std::function<void()> whole_message(sign::Signer& signer, const sign::Plan& plan,
                                    const std::string& body) {
  return [&signer, &plan, &body] {
    auto signing = signer.begin(plan, kHeader, kNow);
    require(signing.has_value());
    std::string_view rest = body;
    for (; !rest.empty(); rest.remove_prefix(std::min<std::size_t>(65536, rest.size())))
      require((*signing)->body(rest.substr(0, 65536)).has_value());
    require((*signing)->finish().has_value());
  };
}

sign::Plan plan_of(const std::shared_ptr<const keys::SigningDomain>& domain) {
  sign::Plan plan;
  plan.life = std::chrono::hours(24 * 12);
  for (std::size_t i = 0; i < domain->keys.size(); ++i) plan.signatures.push_back({domain, i});
  return plan;
}

void compare(const char* name, bool rsa, sign::Signer& signer, double seconds) {
  const auto domain = make_domain(rsa, !rsa);
  const auto plan = plan_of(domain);
  const auto body = text_body(4096);
  const auto raw_work = raw_signature(domain->keys[0].key);
  const auto whole_work = whole_message(signer, plan, body);
  Count raw;
  Count whole;
  Count warm;
  run_for(0.05, warm, raw_work);
  run_for(0.05, warm, whole_work);
  for (int i = 0; i < 10; ++i) {
    run_for(seconds / 20, raw, raw_work);
    run_for(seconds / 20, whole, whole_work);
  }
  std::printf(
      "  \"%s\": {\"figure\": %.3f, \"raw_per_cpu_s\": %.0f, \"signed_per_cpu_s\": %.0f, "
      "\"messages\": %zu},\n",
      name, whole.rate() / raw.rate(), raw.rate(), whole.rate(), whole.done);
}

void large(const char* name, const std::shared_ptr<const keys::SigningDomain>& domain,
           sign::Signer& signer, double seconds) {
  const auto plan = plan_of(domain);
  const auto body = text_body(1U << 20U);
  Count count;
  run_for(seconds / 4, count, whole_message(signer, plan, body));
  std::printf("  \"%s\": {\"cpu_ms\": %.2f},\n", name, 1000 / count.rate());
}

double threads_rate(unsigned threads, const sign::Plan& plan, double seconds) {
  std::vector<Count> counts(threads);
  std::vector<std::thread> running;
  running.reserve(threads);
  const auto begin = std::chrono::steady_clock::now();
  for (auto& count : counts)
    running.emplace_back([&plan, &count, seconds] {
      const auto signer = sign::make_opendkim_signer();
      const auto body = text_body(4096);
      run_for(seconds, count, whole_message(**signer, plan, body));
    });
  for (auto& thread : running) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  double cpu = 0;
  std::size_t done = 0;
  for (const auto& count : counts) {
    cpu += count.cpu;
    done += count.done;
  }
  std::printf("  \"threads_%u\": {\"per_s\": %.0f, \"per_cpu_s\": %.0f},\n", threads,
              static_cast<double>(done) / took.count(), static_cast<double>(done) / cpu);
  return static_cast<double>(done) / cpu;
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 4;
  const auto signer = sign::make_opendkim_signer();
  if (!signer) {
    std::fprintf(stderr, "sign_bench: %s\n", signer.error().detail.c_str());
    return 1;
  }
  const auto openssl = sign::make_openssl_signer();
  std::puts("{");
  compare("sign_vs_raw_rsa", true, **signer, seconds);
  compare("sign_vs_raw_ed25519", false, **signer, seconds);
  compare("openssl_signer_vs_raw_rsa", true, *openssl, seconds);
  large("mebibyte_rsa", make_domain(true, false), **signer, seconds);
  large("mebibyte_rsa_and_ed25519", make_domain(true, true), **signer, seconds);
  large("mebibyte_openssl_signer", make_domain(true, false), *openssl, seconds);
  const auto shared = make_domain(true, false);
  const auto plan = plan_of(shared);
  const double one = threads_rate(1, plan, seconds / 4);
  const double two = threads_rate(2, plan, seconds / 4);
  std::printf("  \"two_threads_share_a_key\": {\"figure\": %.3f}\n}\n", two / one);
  return 0;
}
