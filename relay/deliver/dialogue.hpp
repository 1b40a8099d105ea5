// The lines of one SMTP connection, client side: commands out, replies in, in step.
//
// RFC 5321 4.2. Knows nothing of what a command means. Once out of step, closed, timed out or told
// 421 it is over: is_open() is false and the stream is only good for closing.
#pragma once

#include <array>
#include <string_view>

#include "relay/base/result.hpp"
#include "relay/net/stream.hpp"
#include "relay/smtp/reply.hpp"

namespace signet::deliver {

class Dialogue {
 public:
  explicit Dialogue(net::Stream stream) : stream_(std::move(stream)) {}

  /// The next reply, whole, within `timeout` of the call. A 421 is returned, and ends the dialogue
  /// (RFC 5321 3.8). Faults: peer_protocol, closed, timed_out.
  [[nodiscard]] net::Task<Result<smtp::Reply>> receive(net::Timeout timeout);
  /// Writes `octets`, which must live until done. Fault peer_protocol, with nothing written, when
  /// the peer has already sent more than it was asked for; else closed, timed_out.
  [[nodiscard]] net::Task<Result<void>> send(std::string_view octets, net::Timeout timeout);
  /// Sends `line` (with its CRLF; must live until done) and receives the reply.
  [[nodiscard]] net::Task<Result<smtp::Reply>> ask(std::string_view line, net::Timeout timeout);
  /// QUIT, unless it is over already; waits for the answer and ignores it.
  [[nodiscard]] net::Task<void> quit(net::Timeout timeout);

  /// Takes what is unread: true if that is the end of the stream, not octets.
  [[nodiscard]] net::Task<bool> has_ended();

  /// Looks at what came after the last reply asked for: nothing, or a 421 (which ends the
  /// dialogue), is in step.
  [[nodiscard]] bool is_in_step();
  [[nodiscard]] bool is_open() const { return open_; }
  void abandon() { open_ = false; }
  [[nodiscard]] net::Stream& stream() { return stream_; }
  [[nodiscard]] const net::Stream& stream() const { return stream_; }
  [[nodiscard]] bool has_unread() { return replies_.has_leftover() || stream_.has_pending_input(); }

 private:
  [[nodiscard]] Failure end(Error error);

  net::Stream stream_;
  smtp::ReplyReader replies_;
  std::array<char, 4096> input_;
  bool open_ = true;
};

}  // namespace signet::deliver
