// What an operator can have done to the keys of a domain: the verbs of `signet keys`. Everything
// blocks, and may take as long as the DNS and the publisher do.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "relay/base/domain.hpp"
#include "relay/base/result.hpp"

namespace signet::admin {

enum class KeyVerb { create, publish, activate, rotate, retire, revoke, import };

struct KeyOrder {
  KeyVerb verb = KeyVerb::publish;
  Domain domain;
  std::string selector;           ///< Not for rotate; empty for create: chosen.
  std::string algorithm;          ///< create and rotate: "rsa" or "ed25519".
  bool unproven = false;          ///< activate without asking the DNS.
  std::string by;                 ///< Into the key's history: "token deploy (127.0.0.1:40000)".
  std::string private_key = {};   ///< import: PEM, not encrypted.
  std::string legacy_until = {};  ///< import: for RSA keys below 2048 bits, "2027-06-30".
};

class KeyControl {
 public:
  virtual ~KeyControl() = default;
  /// Names of the store, sorted. Fault: key_unavailable.
  [[nodiscard]] virtual Result<std::vector<Domain>> domains() = 0;
  /// {"domain", "keys": […], "next"} as `signet keys show --json` prints. Faults: not_found,
  /// key_unavailable.
  [[nodiscard]] virtual Result<nlohmann::json> show(const Domain& domain) = 0;
  /// What signs for a domain now, by which rules.
  [[nodiscard]] virtual Result<nlohmann::json> signing(const Domain& domain) = 0;
  /// The key afterwards; done already is done. Faults: not_found, bad_parameter, key_state_wrong,
  /// store_read_only, publisher_failed, key_unavailable. The detail is for the operator.
  [[nodiscard]] virtual Result<nlohmann::json> obey(const KeyOrder& order) = 0;
};

}  // namespace signet::admin
