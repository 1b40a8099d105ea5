// One accepted connection: moves bytes between the Stream, the Dialogue, the Door and the Intake.
//
// Replies to pipelined commands leave in one write, and always before waiting for more input (RFC
// 2920 3.2). While it waits for a command it keeps 1 KiB of input buffer and no reply buffer. A
// wait is cut into steps of at most a second, so that draining is noticed by connections that say
// nothing: one timer each, nobody keeps a list of them.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "relay/accept/dialogue.hpp"
#include "relay/accept/inbox.hpp"
#include "relay/accept/line_reader.hpp"
#include "relay/accept/pace.hpp"
#include "relay/accept/session.hpp"

namespace signet::accept {

class DataPhase;
struct ChunkedMessage;

class Connection {
 public:
  Connection(net::Stream stream, config::ListenerSettings listener, Door& door,
             monitoring::Metrics& metrics);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// To the connection's end.
  [[nodiscard]] net::Task<void> run();

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  /// Counted in, and the client's address known; false when it is not let in.
  [[nodiscard]] net::Task<bool> admit();
  [[nodiscard]] bool is_proxy() const;
  /// Takes the PROXY header of a load balancer, and not an octet more.
  [[nodiscard]] net::Task<Result<void>> take_proxy_header();
  [[nodiscard]] bool turn_away(const Error& error);
  [[nodiscard]] net::Task<bool> greet();
  [[nodiscard]] net::Task<bool> start_tls();
  [[nodiscard]] Action act_on(const LineReader::Line& line);
  [[nodiscard]] net::Task<Say> perform(Action action);
  [[nodiscard]] net::Task<Say> upgrade();
  [[nodiscard]] net::Task<Say> receive();
  [[nodiscard]] net::Task<Say> receive_all(DataPhase& phase);
  [[nodiscard]] net::Task<Say> take_chunk(TakeChunk chunk);
  [[nodiscard]] std::optional<Error> begin_chunks();
  [[nodiscard]] net::Task<Say> add_chunk(TakeChunk chunk);
  /// The next `size` octets of the connection, to `phase` or (null) nowhere; an empty reply when
  /// they are in, or why there are none.
  [[nodiscard]] net::Task<Say> receive_octets(std::uint64_t size, DataPhase* phase, Pace& pace);
  void note_refusal(const DataPhase& phase);
  /// More mail data: an empty reply, or why there is none.
  [[nodiscard]] net::Task<Say> await_data(Pace& pace);
  /// More of a command: false when the connection is over.
  [[nodiscard]] net::Task<bool> await_command();
  void speak(const Say& say);
  [[nodiscard]] net::Task<bool> flush();
  [[nodiscard]] net::Task<void> end(Say last);
  /// Lets a peer that is still sending read our last reply: closing with unread input resets the
  /// connection under it.
  [[nodiscard]] net::Task<void> linger();
  [[nodiscard]] const SessionFacts& facts();
  void expect_command();

  net::Stream stream_;
  config::ListenerSettings listener_;
  Door& door_;
  monitoring::Metrics& metrics_;
  std::shared_ptr<const config::Settings> settings_;  // As of the start, whatever is reloaded.
  std::shared_ptr<const net::ServerTls> tls_;         // As above; null: none.
  config::Limits limits_;                             // As above, less what the listener takes.
  Dialogue dialogue_;
  LineReader lines_;
  Inbox inbox_;
  std::string replies_;
  SessionFacts facts_;
  std::unique_ptr<ChunkedMessage> chunks_;  // Null but between the first BDAT and the last.
  SteadyTime command_deadline_;
  bool entered_ = false;
};

}  // namespace signet::accept
