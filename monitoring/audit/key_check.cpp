#include <algorithm>

#include "monitoring/audit/checks.hpp"
#include "relay/align/key_proof.hpp"

namespace signet::audit {
namespace {

using align::KeyProof;
using align::KeyState;

std::string name_of_key(const Subject& subject, const StoredKey& key) {
  return key.selector + "._domainkey." + subject.signing_domain.text();
}

Finding finding_for(const Subject& subject, const StoredKey& key, Level level, std::string words) {
  return {.check = Check::dkim,
          .level = level,
          .subject = name_of_key(subject, key),
          .words = std::move(words)};
}

/// A key that signs, signed lately, or is about to sign.
Finding check_live(const Subject& subject, const StoredKey& key, const align::Texts& texts) {
  const std::string state(keys::name_of(key.state));
  const std::string name = name_of_key(subject, key);
  if (!key.error.empty())
    return finding_for(subject, key, Level::fail, "the private key can't be loaded: " + key.error);
  if (!texts.error.empty())
    return finding_for(subject, key, Level::unknown, name + " can't be looked up: " + texts.error);
  const KeyProof proof = align::judge_key_texts(texts.texts, key.algorithm, key.public_base64);
  if (proof.state == KeyState::proven)
    return finding_for(subject, key, Level::ok, "the record of the " + state + " key is ours");
  // A record that was given to a publisher may take its time.
  const bool may_wait = key.state == keys::KeyState::published && proof.state == KeyState::absent;
  Finding finding = finding_for(subject, key, may_wait ? Level::warning : Level::fail,
                                "the record of the " + state + " key " + name + " " + proof.reason);
  finding.publish.push_back(
      keys::zone_line(key.selector, subject.signing_domain.text(), key.record));
  return finding;
}

Finding check_generated(const Subject& subject, const StoredKey& key) {
  Finding finding = finding_for(subject, key, Level::note, "the key is not published yet");
  if (!key.record.empty())
    finding.publish.push_back(
        keys::zone_line(key.selector, subject.signing_domain.text(), key.record));
  return finding;
}

Finding check_revoked(const Subject& subject, const StoredKey& key, const align::Texts& texts) {
  const KeyProof proof = align::judge_key_texts(texts.texts, key.algorithm, key.public_base64);
  if (!texts.error.empty())
    return finding_for(subject, key, Level::unknown, "can't be looked up: " + texts.error);
  if (proof.state == KeyState::absent || proof.state == KeyState::revoked)
    return finding_for(subject, key, Level::ok, "the revoked key is no longer in DNS");
  Finding finding = finding_for(subject, key, Level::warning,
                                "the key is revoked, and its record is still there");
  finding.publish.push_back(
      keys::zone_line(key.selector, subject.signing_domain.text(), "v=DKIM1; p="));
  return finding;
}

void check_key(const Subject& subject, const StoredKey& key, const align::Texts& texts,
               Findings& findings) {
  switch (key.state) {
    case keys::KeyState::generated:
      return findings.push_back(check_generated(subject, key));
    case keys::KeyState::published:
    case keys::KeyState::verified:
    case keys::KeyState::canary:
    case keys::KeyState::active:
    case keys::KeyState::retiring:
      return findings.push_back(check_live(subject, key, texts));
    case keys::KeyState::revoked:
      return findings.push_back(check_revoked(subject, key, texts));
    case keys::KeyState::deleted:
    case keys::KeyState::failed:
      break;
  }
}

bool is_active(const StoredKey& key) { return key.state == keys::KeyState::active; }

}  // namespace

Findings check_keys(const Facts& facts) {
  const Subject& subject = facts.subject;
  const auto failure = [](std::string words) {
    return Finding{.check = Check::dkim, .level = Level::fail, .words = std::move(words)};
  };
  if (!subject.is_in_store) {
    return {failure("no key signs for " + subject.domain.text() +
                    ": make one with signet keys new " + subject.domain.text())};
  }
  if (!subject.store_error.empty())
    return {failure("the keys of " + subject.signing_domain.text() +
                    " can't be read: " + subject.store_error)};
  Findings findings;
  if (std::ranges::none_of(subject.keys, &is_active))
    findings.push_back(failure("no key of " + subject.signing_domain.text() + " is active"));
  for (std::size_t i = 0; i < subject.keys.size(); ++i)
    check_key(subject, subject.keys[i], facts.key_texts[i], findings);
  return findings;
}

}  // namespace signet::audit
