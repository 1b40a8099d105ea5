// Keys, plans and messages the tests of sign/ share.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "relay/sign/signer.hpp"
#include "relay/sign/verifier.hpp"

namespace signet::sign {

constexpr WallTime kNow{std::chrono::seconds(1'600'000'000)};
constexpr std::string_view kHeader =
    "Received: from a by b\r\n"
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q\r\n <suzie@shopping.example.net>\r\n"
    "Subject:   Is  dinner\r\n\tready? \r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    "List-Id: <l.example.com>\r\n"
    "X-Other: not signed\r\n";

inline keys::PrivateKey copy_of(const keys::PrivateKey& key) {
  return std::move(*keys::PrivateKey::from_pem(key.to_pem().view()));
}

/// The same for the whole program: an RSA key takes long to make.
inline const keys::PrivateKey& rsa_key() {
  static const keys::PrivateKey key = std::move(*keys::PrivateKey::generate(keys::Algorithm::rsa));
  return key;
}
inline const keys::PrivateKey& ed25519_key() {
  static const keys::PrivateKey key =
      std::move(*keys::PrivateKey::generate(keys::Algorithm::ed25519));
  return key;
}

inline std::shared_ptr<const keys::SigningDomain> domain_with(std::string_view name, bool rsa,
                                                              bool ed25519) {
  auto domain = std::make_shared<keys::SigningDomain>(
      keys::SigningDomain{.name = std::move(*Domain::parse(name)), .keys = {}});
  if (rsa) domain->keys.push_back({"r1", copy_of(rsa_key())});
  if (ed25519) domain->keys.push_back({"e1", copy_of(ed25519_key())});
  return domain;
}

inline Plan plan_for(const std::shared_ptr<const keys::SigningDomain>& domain, bool bulk = false) {
  Plan plan;
  plan.life = std::chrono::hours(24 * 12);
  for (std::size_t i = 0; i < domain->keys.size(); ++i)
    plan.signatures.push_back({domain, i, bulk});
  return plan;
}

inline Result<Signed> sign_with(Signer& signer, const Plan& plan, std::string_view header,
                                std::string_view body, std::size_t slice = 65536) {
  auto signing = signer.begin(plan, header, kNow);
  if (!signing) return signing.failure();
  for (; !body.empty(); body.remove_prefix(std::min(slice, body.size())))
    if (const auto taken = (*signing)->body(body.substr(0, slice)); !taken) return taken.failure();
  return (*signing)->finish();
}

/// Answers for the keys above, whatever the domain.
inline Result<std::string> lookup_sample(const std::string& name) {
  if (name.starts_with("r1.")) return rsa_key().dns_record();
  if (name.starts_with("e1.")) return ed25519_key().dns_record();
  return fail(Fault::not_found);
}

/// "" if every signature passes, and there are `count`; else what is wrong.
inline std::string verify_all(std::string_view message, std::size_t count) {
  const auto verdicts = verify_message(message, lookup_sample, unix_seconds(kNow));
  if (verdicts.size() != count) return std::to_string(verdicts.size()) + " signatures";
  for (const auto& verdict : verdicts)
    if (verdict.result != SignatureResult::pass) return verdict.reason + " ";
  return "";
}

inline std::filesystem::path corpus() {
  if (const char* path = std::getenv("SIGNET_CORPUS")) return path;
  return std::filesystem::path(SIGNET_SOURCE_DIR) / "../shared/corpus";
}

inline std::string read_text(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

/// Line ends of any kind to CRLF.
inline std::string with_crlf(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\n' && !result.ends_with('\r')) result += '\r';
    result += c;
  }
  return result;
}

}  // namespace signet::sign
