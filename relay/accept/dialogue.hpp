// The server's side of the SMTP dialogue as a state machine (RFC 5321 4.1.4): command lines in,
// replies and actions out.
//
// Pure: never sees a socket, a clock or a password file. Whoever moves the bytes does what an
// Action asks and brings the answer back with the on_… function of the same name. Mail data is not
// here: after OpenData the octets go elsewhere until on_message(), and so do those of a TakeChunk.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "relay/accept/auth_exchange.hpp"
#include "relay/base/envelope.hpp"
#include "relay/base/queue_id.hpp"
#include "relay/base/result.hpp"
#include "relay/smtp/command.hpp"

namespace signet::accept {

/// What holds for a connection from its first octet to its last.
struct Rules {
  std::string hostname;
  bool offers_starttls = false;
  Mechanisms mechanisms;  ///< Offered under TLS only.
  bool requires_tls = false;
  bool requires_auth = false;
  std::uint64_t message_bytes = 0;
  std::uint32_t recipients = 0;
  std::uint32_t transactions = 0;  ///< 0: no limit.
  std::uint32_t junk_commands = 0;
};

/// A reply to send.
struct Say {
  std::string reply;                  ///< Whole lines; may be empty when hanging up.
  std::optional<Fault> refused = {};  ///< For the metrics.
  bool hangs_up = false;              ///< Nothing more may be read as a command.
};
struct StartTls {};
struct Authenticate {
  std::string user;
  std::string password;
};
/// SCRAM: which keys does the user have? Goes on with on_keys().
struct AskKeys {
  std::string user;
};
/// SCRAM is over: go on with on_authenticated().
struct Conclude {
  std::string user;
  bool proven = false;
};
struct AskSender {
  ReversePath sender;
};
struct AskRecipient {
  Recipient recipient;
};
struct OpenData {};
/// `size` octets follow (RFC 3030 2). A refused chunk is read and dropped: they are no commands.
struct TakeChunk {
  std::uint64_t size = 0;
  bool last = false;
  std::optional<Fault> refused;
};
using Action = std::variant<Say, StartTls, Authenticate, AskKeys, Conclude, AskSender, AskRecipient,
                            OpenData, TakeChunk>;

class Dialogue {
 public:
  explicit Dialogue(Rules rules);

  [[nodiscard]] std::string banner() const;
  /// A line without its CRLF.
  [[nodiscard]] Action on_line(std::string_view line);
  /// A line over the cap of any command, dropped unread.
  [[nodiscard]] Action on_long_line();

  /// The 220 that invites the handshake, and what is forgotten after it (RFC 3207 4.2).
  [[nodiscard]] static Say invite_tls();
  /// `channel_binding`: RFC 9266; empty: none.
  void on_tls_started(std::string channel_binding);
  /// Again an action: the exchange goes on.
  [[nodiscard]] Action on_keys(const Result<config::ScramKeys>& keys);
  [[nodiscard]] Say on_authenticated(const Result<void>& answer);
  [[nodiscard]] Say on_sender(Result<ReversePath> answer);
  [[nodiscard]] Say on_recipient(const Result<void>& answer);
  /// Call before on_open(); the transaction's envelope moves out.
  [[nodiscard]] Envelope take_envelope() { return std::move(envelope_); }
  [[nodiscard]] Say on_open(const Result<void>& answer);
  [[nodiscard]] Say on_message(const Result<QueueId>& answer);
  /// A chunk that is not the last, once its octets are in; the last one has on_message().
  [[nodiscard]] Say on_chunk(const TakeChunk& chunk);
  /// A chunk whose octets were dropped. `ends_transaction` unless the command was out of order.
  [[nodiscard]] Say on_refused_chunk(const Error& error, bool ends_transaction);

  /// Between MAIL and the reply to its data.
  [[nodiscard]] bool in_transaction() const { return in_transaction_; }
  [[nodiscard]] const std::string& helo() const { return helo_; }
  [[nodiscard]] const std::string& user() const { return user_; }
  /// RFC 3848, RFC 6531 4.3: "ESMTPSA", "UTF8SMTPSA" for the transaction at hand.
  [[nodiscard]] std::string protocol() const;

 private:
  using Handler = Action (Dialogue::*)(std::string_view argument);
  [[nodiscard]] static Handler handler_of(smtp::Verb verb);
  Action on_helo(std::string_view argument);
  Action on_ehlo(std::string_view argument);
  Action on_mail(std::string_view argument);
  Action on_rcpt(std::string_view argument);
  Action on_data(std::string_view argument);
  Action on_bdat(std::string_view argument);
  Action on_rset(std::string_view argument);
  Action on_noop(std::string_view argument);
  Action on_quit(std::string_view argument);
  Action on_vrfy(std::string_view argument);
  Action on_expn(std::string_view argument);
  Action on_help(std::string_view argument);
  Action on_starttls(std::string_view argument);
  Action on_auth(std::string_view argument);

  Action greet(std::string_view argument, bool extended);
  Action go_on_with(const Result<AuthExchange::Step>& step);
  [[nodiscard]] bool offers_auth() const {
    return rules_.mechanisms.passwords || rules_.mechanisms.scram;
  }
  [[nodiscard]] std::string capabilities() const;
  [[nodiscard]] std::optional<Fault> why_no_mail_now() const;
  [[nodiscard]] std::optional<Fault> why_no_data_now() const;
  /// An answer that gets nobody anywhere; too many of them end the connection.
  Say count_junk(Say say);
  Say refuse(Fault fault) { return refuse(Error{fault, {}}); }
  Say refuse(const Error& error);
  void forget_transaction();

  Rules rules_;
  Domain host_;
  std::string helo_;
  bool extended_ = false;
  bool tls_ = false;
  std::string user_;
  std::string asked_user_;
  std::optional<AuthExchange> auth_;
  unsigned auth_failures_ = 0;
  std::uint32_t junk_ = 0;
  std::uint64_t surplus_ = 0;  ///< Recipients over the limit in this transaction.
  Envelope envelope_;
  bool in_transaction_ = false;
  bool refused_recipient_ = false;
  bool chunking_ = false;  // The transaction's data comes by BDAT.
  std::uint32_t transactions_ = 0;
};

/// The fault's reply, after which the connection ends.
[[nodiscard]] Say hang_up(const Error& error);
/// There is nobody to tell.
[[nodiscard]] inline Say silent_end() { return Say{.reply = {}, .hangs_up = true}; }

}  // namespace signet::accept
