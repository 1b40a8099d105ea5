// What both signers share: the message as our own verifier sees it, and its verdict on a new field.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "relay/sign/canonicalisation.hpp"
#include "relay/sign/signer.hpp"

namespace signet::sign {

/// The message as it will leave. Its header is a copy, so that nothing else must stay alive.
class OutgoingMessage {
 public:
  /// Faults: as fields_to_sign().
  [[nodiscard]] static Result<OutgoingMessage> read(std::string_view header);

  [[nodiscard]] const std::vector<HeaderField>& fields() const { return fields_; }
  void add_body(std::string_view slice);
  /// False when the body so far lacks its final CRLF; canonicalisation adds it (RFC 6376 3.4.4).
  [[nodiscard]] bool ends_line() const { return last_[0] == '\r' && last_[1] == '\n'; }
  /// Relaxed; the first call ends the body.
  [[nodiscard]] const std::string& body_hash();

  /// Checks `field` (with CRLF) against the message, the plan and the public half of the planned
  /// key. Fault: signature_wrong.
  [[nodiscard]] Result<void> check(const PlannedSignature& planned, std::string_view field);
  [[nodiscard]] std::chrono::microseconds time_of_checks() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(time_of_checks_);
  }

 private:
  [[nodiscard]] Result<void> check_now(const PlannedSignature& planned, std::string_view field);

  explicit OutgoingMessage(std::string_view header) : header_(header.begin(), header.end()) {}

  std::vector<char> header_;  // No string: its octets stay where they are when it moves.
  std::vector<HeaderField> fields_;
  BodyHash hash_{Canonicalisation::relaxed};
  std::string body_hash_;
  std::chrono::steady_clock::duration time_of_checks_{0};
  std::array<char, 2> last_{'\r', '\n'};
};

/// "selector._domainkey.domain"
[[nodiscard]] std::string key_name(const PlannedSignature& planned);

}  // namespace signet::sign
