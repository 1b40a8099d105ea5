// The AUTH dialogue (RFC 4954) for PLAIN (RFC 4616), LOGIN, SCRAM-SHA-256 and SCRAM-SHA-256-PLUS
// (RFC 7677): lines in, credentials or a proof out.
//
// Pure; whether a password is good, and which keys a user has, is somebody else's question.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "relay/accept/scram.hpp"
#include "relay/base/result.hpp"

namespace signet::accept {

/// What a server offers on this connection.
struct Mechanisms {
  bool passwords = false;       ///< PLAIN and LOGIN.
  bool scram = false;           ///< SCRAM-SHA-256; with a binding -PLUS too.
  std::string channel_binding;  ///< RFC 9266, octets as they are; empty: none.

  /// As EHLO lists them, the best first; empty: no AUTH.
  [[nodiscard]] std::string to_string() const;
};

class AuthExchange {
 public:
  /// Goes to the client as "334 " and this base64 text.
  struct Challenge {
    std::string text;
  };
  struct Credentials {
    std::string user;
    std::string password;
  };
  /// SCRAM goes on with on_keys().
  struct NeedsKeys {
    std::string user;
  };
  /// SCRAM is done: the user has proved itself, or has not.
  struct Verdict {
    std::string user;
    bool proven = false;
  };
  using Step = std::variant<Challenge, Credentials, NeedsKeys, Verdict>;

  explicit AuthExchange(Mechanisms offered) : offered_(std::move(offered)) {}

  /// `argument` of AUTH: mechanism and, optionally, an initial response. Faults:
  /// auth_mechanism_unknown, auth_malformed, auth_failed (to act for another user).
  [[nodiscard]] Result<Step> start(std::string_view argument);
  /// A line the client sent after a Challenge. Faults: as above, and auth_cancelled.
  [[nodiscard]] Result<Step> on_line(std::string_view line);
  [[nodiscard]] Result<Step> on_keys(const config::ScramKeys& keys);

 private:
  enum class Awaits { plain, login_user, login_password, scram_first, scram_final, scram_end };
  [[nodiscard]] bool choose(std::string_view mechanism);
  [[nodiscard]] Result<Step> on_response(const std::string& response);
  [[nodiscard]] Result<Step> on_login(const std::string& response);
  /// A challenge of what SCRAM says; a failed proof is a verdict.
  [[nodiscard]] Result<Step> go_on(const Result<std::string>& message, Awaits next);

  Mechanisms offered_;
  Awaits awaits_ = Awaits::plain;
  std::string user_;
  std::unique_ptr<ScramExchange> scram_;  // While SCRAM was chosen.
};

}  // namespace signet::accept
