// A client on the other end of a real session: both on one loop, over loopback TCP.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "relay/accept/session.hpp"
#include "tests/unit/accept/fake_door.hpp"

namespace signet::accept::test {

/// Two ends of one connection on 127.0.0.1.
[[nodiscard]] std::pair<net::Stream, net::Stream> connected_streams(net::Loop& loop);

/// The client's end.
class Talker {
 public:
  explicit Talker(net::Stream stream) : stream_(std::move(stream)) {}

  /// `step` octets at a time, the server reading in between; 0: all at once.
  [[nodiscard]] net::Task<void> send(std::string octets, std::size_t step = 0);
  /// The next line without its CRLF; "EOF" at the end, "TIMEOUT" or "CLOSED" when there is none.
  [[nodiscard]] net::Task<std::string> line();
  /// Whole lines of one reply, each with "\n".
  [[nodiscard]] net::Task<std::string> reply();
  /// Everything to the end of the connection.
  [[nodiscard]] net::Task<std::string> rest();
  /// What one read gives.
  [[nodiscard]] net::Task<std::string> read_once();
  [[nodiscard]] net::Task<bool> start_tls();
  [[nodiscard]] net::Stream& stream() { return stream_; }

 private:
  net::Stream stream_;
  std::string unread_;
  std::string failure_;
};

/// One session and its client; a test's coroutine talks, run() waits for both.
class Conversation {
 public:
  Conversation();
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  /// Call once, before talking: starts the server's side.
  [[nodiscard]] Talker& begin();
  /// Runs until `talk` is done and, if `and_session`, the session too.
  void run(net::Task<void> talk, bool and_session = true);
  /// Destroys the session where it stands.
  void cancel() { scope_.clear(); }

  net::Loop loop;
  FakeDoor door;
  config::ListenerSettings listener;
  monitoring::Metrics metrics;

 private:
  std::unique_ptr<Talker> talker_;
  net::TaskScope scope_;
};

}  // namespace signet::accept::test
