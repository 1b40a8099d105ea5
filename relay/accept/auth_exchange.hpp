// The AUTH dialogue (RFC 4954) for PLAIN (RFC 4616) and LOGIN: lines in, credentials out.
//
// Pure; whether the credentials are good is somebody else's question.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "relay/base/result.hpp"

namespace signet::accept {

class AuthExchange {
 public:
  /// Goes to the client as "334 " and this base64 text.
  struct Challenge {
    std::string_view text;  ///< A literal.
  };
  struct Credentials {
    std::string user;
    std::string password;
  };
  using Step = std::variant<Challenge, Credentials>;

  /// `argument` of AUTH: mechanism and, optionally, an initial response. Faults:
  /// auth_mechanism_unknown, auth_malformed, auth_failed (to act for another user).
  [[nodiscard]] Result<Step> start(std::string_view argument);
  /// A line the client sent after a Challenge. Faults: as above, and auth_cancelled.
  [[nodiscard]] Result<Step> on_line(std::string_view line);

 private:
  enum class Awaits { plain, login_user, login_password };
  [[nodiscard]] Result<Step> on_response(const std::string& response);

  Awaits awaits_ = Awaits::plain;
  std::string user_;
};

}  // namespace signet::accept
