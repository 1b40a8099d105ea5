// The client side of SMTP (RFC 5321): one connection, any number of transactions, one outcome per
// recipient.
//
// Pipelined where offered (RFC 2920). TLS by policy; the body is asked for in slices. No retries
// and no queue here: what came of each recipient is the result.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "relay/base/envelope.hpp"
#include "relay/base/result.hpp"
#include "relay/net/stream.hpp"
#include "relay/net/tls.hpp"
#include "relay/smtp/reply.hpp"

namespace signet::deliver {

struct ConnectOptions {
  std::string host;  ///< For TLS name check and logs.
  Endpoint endpoint;
  std::optional<IpAddress> bind;
  std::string helo;
  config::TlsPolicy tls = config::TlsPolicy::may;
  bool implicit_tls = false;
  std::string user;  ///< AUTH PLAIN or LOGIN, only under TLS (or to loopback); empty: none.
  std::string password;
  std::shared_ptr<const net::ClientTls> tls_settings;
  config::Timeouts timeouts;
};

enum class RecipientResult { delivered, deferred, failed };

struct RecipientOutcome {
  RecipientResult result = RecipientResult::deferred;
  std::string reply;                    ///< "250 2.0.0 Ok …", the peer's words sanitised, or ours.
  Fault fault = Fault::peer_temporary;  ///< When not delivered.
};

struct Transaction {
  ReversePath sender;
  std::vector<Recipient> recipients;
  std::string head;  ///< Signatures and header block, ready to go, ending in the empty line's CRLF.
  std::uint64_t body_size = 0;
  bool has_eight_bit =
      false;          ///< Needs 8BITMIME, else every recipient fails with peer_lacks_8bitmime.
  bool utf8 = false;  ///< The client declared SMTPUTF8: passed on where it is offered.
  /// Where it is not, octets over 127 in the header or the sender fail the message, and in a
  /// recipient that recipient, with peer_lacks_smtputf8 (RFC 6531 3.4).
  bool utf8_header = false;
  /// REQUIRETLS (RFC 8689 4.2): fails with peer_lacks_requiretls unless the peer is authenticated
  /// and offers it; the null sender's goes out all the same.
  bool require_tls = false;
  std::string envelope_id;
  std::string dsn_return;
  /// The next slice of the body; empty at the end. Valid until the next call.
  std::function<net::Task<Result<std::string_view>>()> next_slice;
  /// Called once, before the final dot goes out, with the indexes of the accepted recipients: the
  /// attempt record. A fault stops the transaction (the connection is closed without the dot).
  std::function<net::Task<Result<void>>(std::vector<std::uint32_t>)> before_dot;
};

class Connection {
 public:
  /// Connects, greets, TLS, AUTH. With TlsPolicy::may a failed handshake is tried again in clear on
  /// a new connection. Faults: connect_failed, timed_out, tls_failed, peer_temporary,
  /// peer_permanent (greeting or EHLO refused), peer_protocol, peer_lacks_auth.
  [[nodiscard]] static net::Task<Result<std::unique_ptr<Connection>>> open(net::Loop& loop,
                                                                           ConnectOptions options);
  ~Connection();

  /// One message. Outcomes are in the order of the recipients; there is always one for each.
  /// Afterwards is_reusable() tells whether another may follow.
  [[nodiscard]] net::Task<std::vector<RecipientOutcome>> send(Transaction transaction);
  [[nodiscard]] bool is_reusable() const;
  /// Counts a transaction in the peer's LIMITS: see Allowance::admit. Call before send().
  [[nodiscard]] std::vector<std::size_t> admit(const std::vector<Domain>& recipients);
  /// True if the peer closed or spoke while the connection was idle.
  [[nodiscard]] bool is_stale();
  [[nodiscard]] net::Task<void> quit();
  [[nodiscard]] const std::optional<net::TlsFacts>& tls() const;
  [[nodiscard]] Endpoint local() const;
  [[nodiscard]] const smtp::Capabilities& capabilities() const;

 private:
  struct Impl;
  explicit Connection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Maildir delivery (tmp, fsync, link into new, fsync directory): blocks, call it on a pool. Makes
/// the folder, though not its parents. `write` appends the whole message; CRLF becomes LF, as in
/// every Maildir (what verifies signatures there must put it back). A name that is taken in new/
/// gets a number: nothing is overwritten. Returns the file's path. Faults: local_error, or what
/// `write` says.
[[nodiscard]] Result<std::string> deliver_to_maildir(
    const std::filesystem::path& maildir, const std::string& unique_name,
    const std::function<Result<void>(const std::function<Result<void>(std::string_view)>& sink)>&
        write);

}  // namespace signet::deliver
