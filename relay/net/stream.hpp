// Stream: a connected socket, plain or TLS, read and written by coroutines.
//
// Edge-triggered readiness, registered once per connection; each operation tries the system call
// first and waits only when it would block. One reader and one writer at a time. Sockets are
// non-blocking, close-on-exec, TCP_NODELAY. After a failed or timed-out operation the stream is
// only good for closing. A stream may be moved while an operation waits; an operation whose stream
// is destroyed never resumes, so its task ends first or with it.
#pragma once

#include <chrono>
#include <coroutine>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/ip_address.hpp"
#include "relay/base/result.hpp"
#include "relay/net/loop.hpp"

namespace signet::net {

class ServerTls;
class ClientTls;
using Timeout = std::chrono::milliseconds;

/// What a finished handshake agreed on.
struct TlsFacts {
  std::string version;  ///< "TLSv1.3"
  std::string cipher;   ///< OpenSSL's name.
  std::string
      peer_fingerprint;  ///< SHA-256 of the peer's certificate, lower-case hex; empty: none sent.
  /// dNSName of the peer's certificate, or its CN where there is none; lower case.
  std::vector<std::string> peer_names;
  std::string channel_binding;  ///< tls-exporter (RFC 9266), octets; empty below TLS 1.3.
  std::string server_name;      ///< SNI the client asked for (server side).
  bool peer_verified = false;   ///< The peer's chain (and name, client side) verified.
  std::string verify_error;     ///< OpenSSL's words when not.
};

class Stream {
 public:
  /// Takes over a connected descriptor and makes it non-blocking.
  Stream(Loop& loop, int descriptor);
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  ~Stream();  ///< Closes at once.

  /// Connects within `timeout`, from `bind` when given. Faults: connect_failed, timed_out.
  [[nodiscard]] static Task<Result<Stream>> connect(Loop& loop, Endpoint to,
                                                    std::optional<IpAddress> bind, Timeout timeout);

  /// At least one octet into `into`, which is not empty and lives until done; 0 means the peer
  /// ended the stream in order (TLS: close_notify; a TLS stream cut without it is `closed`).
  /// Faults: closed, timed_out.
  [[nodiscard]] Task<Result<std::size_t>> read(std::span<char> into, Timeout timeout);
  /// All of `bytes`, which must live until done. The timeout begins anew with each octet that
  /// leaves.
  /// Faults: closed, timed_out.
  [[nodiscard]] Task<Result<void>> write(std::string_view bytes, Timeout timeout);

  /// Server handshake on a stream with no buffered input. TLS never turns back into plain.
  /// Faults: tls_failed, closed, timed_out.
  [[nodiscard]] Task<Result<void>> accept_tls(const ServerTls& tls, Timeout timeout);
  /// Client handshake, SNI and name check for `server_name`. With `verify` off an unverified peer
  /// is accepted and facts().peer_verified says so. Faults: tls_failed, closed, timed_out.
  [[nodiscard]] Task<Result<void>> connect_tls(const ClientTls& tls, std::string server_name,
                                               bool verify, Timeout timeout);

  /// Sends close_notify if TLS, without waiting, and shuts down writing.
  void shut_down();

  /// A read would return at once: input is waiting in the kernel or TLS layer, or the connection
  /// has ended (for the STARTTLS check, and for idle connections).
  [[nodiscard]] bool has_pending_input();
  [[nodiscard]] const std::optional<TlsFacts>& tls() const;
  [[nodiscard]] Endpoint peer() const;  ///< Of a Unix socket: nothing.
  /// Who is at the other end of a Unix socket; none for any other.
  [[nodiscard]] std::optional<std::uint32_t> peer_uid() const;
  [[nodiscard]] Endpoint local() const;
  [[nodiscard]] Loop& loop() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace signet::net
