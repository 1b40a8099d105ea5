// An SMTP server that follows a script: the peer of delivery tests, on a loopback port of its own.
//
// One script per connection, in the order of connections. Its lines:
//   S: TEXT    send TEXT and CRLF; lines in a row leave in one write
//   S> TEXT    send TEXT as it is ("\r", "\n", "\0" and "\\" are escapes)
//   C: TEXT    the next line must be TEXT; a final * matches any rest
//   DATA       take a message up to its final dot; it is kept
//   TLS        the server's handshake; a failed one ends the script, without blame
//   CLOSE      close now;   RESET  close with a TCP reset
//   STALL      say nothing more, take what comes until the peer closes
// After the last line the peer may close but not speak.
#pragma once

#include <string>
#include <thread>
#include <vector>

#include "relay/base/ip_address.hpp"

using SSL_CTX = struct ssl_ctx_st;

namespace signet::test {

class ScriptedServer {
 public:
  /// `tls` serves every TLS line; it must outlive the server.
  explicit ScriptedServer(std::vector<std::string> scripts, SSL_CTX* tls = nullptr);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] Endpoint endpoint() const { return endpoint_; }

  /// Waits for the end of all scripts (the client must be gone). Empty when all went by the
  /// scripts.
  [[nodiscard]] std::string finish();
  /// After finish(): messages as sent, dots still doubled, without the final dot's line.
  [[nodiscard]] const std::vector<std::string>& messages() const { return messages_; }
  /// After finish(): what each read of the connections returned, in clear.
  [[nodiscard]] const std::vector<std::string>& reads() const { return reads_; }

 private:
  class Conversation;
  void run();

  std::vector<std::string> scripts_;
  SSL_CTX* tls_;
  int listener_;
  Endpoint endpoint_;
  std::vector<std::string> messages_;
  std::vector<std::string> reads_;
  std::string problem_;
  std::thread thread_;
};

}  // namespace signet::test
