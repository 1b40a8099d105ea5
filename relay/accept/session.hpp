// The server side of one SMTP connection (RFC 5321, 6409, 8314): dialogue, TLS, AUTH, limits.
//
// The session knows commands and framing; what a message means is the Intake's affair, and who may
// do what is the Door's. Split in two: Dialogue (pure: lines in, replies and actions out, tested by
// text dialogues) and serve() (the coroutine that moves bytes).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "config/scram_keys.hpp"
#include "config/settings.hpp"
#include "monitoring/metrics.hpp"
#include "relay/authorise/authoriser.hpp"
#include "relay/base/envelope.hpp"
#include "relay/base/queue_id.hpp"
#include "relay/base/result.hpp"
#include "relay/net/stream.hpp"
#include "relay/net/tls.hpp"
#include "relay/smtp/data.hpp"

namespace signet::accept {

/// Facts about a session that a message carries with it.
struct SessionFacts {
  authorise::Peer peer;
  Endpoint remote;  ///< The client, also behind a load balancer; nothing at a Unix socket.
  std::string helo;
  std::string protocol;  ///< RFC 3848: "ESMTPSA" …
  std::string tls;       ///< "TLSv1.3 with cipher …", or empty.
  std::string listener;
  std::shared_ptr<const config::Settings> settings;  ///< Those it began with, whatever is reloaded.
};

/// Takes one message. Calls in order: header(), body()*, end(). Destroying it before end() abandons
/// the message.
class Intake {
 public:
  virtual ~Intake() = default;
  /// How the body must be decoded (the client's repairs).
  [[nodiscard]] virtual smtp::DataDecoder::Options framing() const = 0;
  /// The header block, fields with CRLF, without the empty line; may be empty.
  [[nodiscard]] virtual net::Task<Result<void>> header(std::string block) = 0;
  /// A slice of the decoded body, at most 64 KiB; it must be copied if kept.
  [[nodiscard]] virtual net::Task<Result<void>> body(std::string_view slice) = 0;
  /// Durable when it answers; the text after 250 2.0.0 names the queue id.
  [[nodiscard]] virtual net::Task<Result<QueueId>> end(const smtp::DataDecoder& decoder) = 0;
};

/// The questions a session asks. One for the program; used from all loops.
class Door {
 public:
  virtual ~Door() = default;
  /// The settings this session keeps to its end.
  [[nodiscard]] virtual std::shared_ptr<const config::Settings> settings() = 0;
  [[nodiscard]] virtual std::shared_ptr<const net::ServerTls> tls() = 0;
  /// Checks a password off the loop; same time for an unknown user. Takes its time with guesses.
  /// Faults: auth_failed, auth_unavailable.
  [[nodiscard]] virtual net::Task<Result<void>> authenticate(net::Loop& loop,
                                                             const SessionFacts& facts,
                                                             std::string user,
                                                             std::string password) = 0;
  /// What is stored of the user's password for SCRAM, or something as good as that: an unknown user
  /// and a wrong password look alike. Counts an attempt, which conclude() ends. Fault:
  /// auth_unavailable.
  [[nodiscard]] virtual Result<config::ScramKeys> scram_keys(const SessionFacts& facts,
                                                             const std::string& user) = 0;
  /// The user has proved by SCRAM to know the password, or has not. Takes its time with guesses.
  /// Fault: auth_failed.
  [[nodiscard]] virtual net::Task<Result<void>> conclude(net::Loop& loop, const SessionFacts& facts,
                                                         std::string user, bool proven) = 0;
  /// MAIL FROM: client known, sender allowed, quota, disk and memory. Returns the sender after
  /// [rewrite]. Faults: client_unknown, sender_not_allowed, quota_exceeded, disk_short,
  /// memory_short, spool_failed …
  [[nodiscard]] virtual net::Task<Result<ReversePath>> mail(const SessionFacts& facts,
                                                            ReversePath sender) = 0;
  /// RCPT TO: routable. Faults: recipient_not_routable, …
  [[nodiscard]] virtual Result<void> rcpt(const SessionFacts& facts,
                                          const Recipient& recipient) = 0;
  /// At DATA.
  [[nodiscard]] virtual Result<std::unique_ptr<Intake>> open(net::Loop& loop,
                                                             const SessionFacts& facts,
                                                             Envelope envelope) = 0;
  /// Connection limits, of all and of the listener: counted in, or a fault (too_many_connections).
  /// The matching leave() is called once at the end, with the same facts: they stay where they are.
  [[nodiscard]] virtual Result<void> enter(const SessionFacts& facts,
                                           const config::ListenerSettings& listener) = 0;
  /// Whose connection it is is known by now: the limit of one address. Fault: as above.
  [[nodiscard]] virtual Result<void> arrive(const SessionFacts& facts) = 0;
  virtual void leave(const SessionFacts& facts) = 0;
  /// True while draining: sessions answer 421 at the next command boundary.
  [[nodiscard]] virtual bool is_draining() const = 0;
};

/// Speaks until the connection ends. Never throws.
[[nodiscard]] net::Task<void> serve(net::Stream stream, config::ListenerSettings listener,
                                    Door& door, monitoring::Metrics& metrics);

}  // namespace signet::accept
