// The server's side of one SCRAM-SHA-256 or SCRAM-SHA-256-PLUS exchange (RFC 5802, 7677, 9266), and
// the making of the keys it needs. libgsasl does the mechanism; it is given stored keys only.
//
// Binding is tls-exporter. A client that could bind and says it saw no offer to ("y") is refused
// where there was one: somebody in between took it out (RFC 5802 6).
#pragma once

#include <gsasl.h>

#include <memory>
#include <string>
#include <string_view>

#include "config/scram_keys.hpp"
#include "relay/base/result.hpp"

namespace signet::accept {

class ScramExchange {
 public:
  /// `channel_binding`: the connection's (RFC 9266), octets as they are; empty: it has none, and
  /// `plus` is false.
  ScramExchange(bool plus, std::string_view channel_binding);

  /// The client-first-message: whose keys are needed. Faults: auth_malformed, auth_failed (acts for
  /// another, or binds wrongly), local_error.
  [[nodiscard]] Result<std::string> on_client_first(std::string message);
  /// The server-first-message. Faults: as above.
  [[nodiscard]] Result<std::string> on_keys(const config::ScramKeys& keys);
  /// The client-final-message: the client has proved itself, and the answer is the
  /// server-final-message. Faults: auth_failed, auth_malformed.
  [[nodiscard]] Result<std::string> on_client_final(const std::string& message);

  [[nodiscard]] const std::string& user() const { return user_; }

 private:
  struct Free {
    void operator()(Gsasl* library) const { gsasl_done(library); }
    void operator()(Gsasl_session* session) const { gsasl_finish(session); }
  };
  [[nodiscard]] Result<std::string> step(const std::string& message, int expected);
  [[nodiscard]] bool set(Gsasl_property property, const std::string& value);

  bool plus_;
  std::unique_ptr<Gsasl, Free> library_;
  std::unique_ptr<Gsasl_session, Free> session_;  // Of library_.
  std::string client_first_;
  std::string user_;
};

constexpr std::uint32_t kScramIterations = 100'000;  ///< What the keys we make cost to guess at.

/// Keys of `password` with a new salt. Takes a tenth of a second. Faults: bad_parameter (SASLprep
/// refuses it), local_error.
[[nodiscard]] Result<config::ScramKeys> make_scram_keys(const std::string& password);
/// As above with a given salt (octets): for known answers.
[[nodiscard]] Result<config::ScramKeys> make_scram_keys(const std::string& password,
                                                        const std::string& salt,
                                                        std::uint32_t iterations);

/// Keys nobody can match, for users that do not exist: the same each time, so that asking twice
/// tells nothing. Made of the name and a secret of this process.
class UnknownUsers {
 public:
  UnknownUsers();
  /// Iterations and the size of the salt are those of `like`.
  [[nodiscard]] config::ScramKeys keys_of(const std::string& user,
                                          const config::ScramKeys& like) const;

 private:
  std::string secret_;
};

}  // namespace signet::accept
