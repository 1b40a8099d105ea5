// Drives a real server session over a connected pair of sockets with whatever octets the fuzzer
// makes. The first octet chooses how they are cut into packets.
//
// Held to: every reply is well-formed; no message is taken without MAIL, RCPT and DATA having been
// answered in that order; the header block and body given to the Intake hold neither NUL nor a CR
// or LF outside CRLF; the session ends when the client does, and leaves the door as often as it
// entered.
#include "relay/accept/session.hpp"

#include <sys/socket.h>

#include <memory>
#include <string>
#include <string_view>

#include "relay/smtp/reply.hpp"
#include "tests/fuzz/require.hpp"

namespace signet::accept {
namespace {

using fuzz::require;

void require_strict_lines(std::string_view octets) {
  for (std::size_t i = 0; i < octets.size(); ++i) {
    require(octets[i] != '\0');
    require(octets[i] != '\n' || (i > 0 && octets[i - 1] == '\r'));
    require(octets[i] != '\r' || (i + 1 < octets.size() && octets[i + 1] == '\n'));
  }
}

class StrictIntake final : public Intake {
 public:
  [[nodiscard]] smtp::DataDecoder::Options framing() const override { return {}; }
  [[nodiscard]] net::Task<Result<void>> header(std::string block) override {
    require(!has_header_);
    has_header_ = true;
    require_strict_lines(block);
    require(!block.contains("\r\n\r\n"));
    if (block.contains("refuse")) co_return fail(Fault::author_missing);
    co_return Result<void>();
  }
  [[nodiscard]] net::Task<Result<void>> body(std::string_view slice) override {
    require(has_header_ && !slice.empty() && slice.size() <= (64U << 10));
    body_ += slice;
    co_return Result<void>();
  }
  [[nodiscard]] net::Task<Result<QueueId>> end(const smtp::DataDecoder&) override {
    require(has_header_);
    require_strict_lines(body_);
    co_return QueueId{1};
  }

 private:
  bool has_header_ = false;
  std::string body_;
};

class OpenDoor final : public Door {
 public:
  OpenDoor() {
    auto made = std::make_shared<config::Settings>();
    made->hostname = "relay.example";
    made->limits.message_bytes = 4096;
    made->limits.header_bytes = 1024;
    made->limits.recipients = 3;
    settings_ = std::move(made);
  }
  [[nodiscard]] std::shared_ptr<const config::Settings> settings() override { return settings_; }
  [[nodiscard]] std::shared_ptr<const net::ServerTls> tls() override { return nullptr; }
  [[nodiscard]] net::Task<Result<void>> authenticate(net::Loop&, const SessionFacts&, std::string,
                                                     std::string) override {
    co_return fail(Fault::auth_failed);
  }
  [[nodiscard]] net::Task<Result<ReversePath>> mail(const SessionFacts& facts,
                                                    ReversePath sender) override {
    require(!facts.helo.empty());
    co_return sender;
  }
  [[nodiscard]] Result<void> rcpt(const SessionFacts&, const Recipient&) override { return {}; }
  [[nodiscard]] Result<std::unique_ptr<Intake>> open(net::Loop&, const SessionFacts&,
                                                     Envelope envelope) override {
    require(!envelope.recipients.empty() && envelope.recipients.size() <= 3);
    return std::unique_ptr<Intake>(std::make_unique<StrictIntake>());
  }
  [[nodiscard]] Result<config::ScramKeys> scram_keys(const SessionFacts&,
                                                     const std::string&) override {
    return fail(Fault::auth_unavailable);
  }
  [[nodiscard]] net::Task<Result<void>> conclude(net::Loop&, const SessionFacts&, std::string,
                                                 bool) override {
    co_return fail(Fault::auth_failed);
  }
  [[nodiscard]] Result<void> enter(const SessionFacts&, const config::ListenerSettings&) override {
    ++inside;
    return {};
  }
  [[nodiscard]] Result<void> arrive(const SessionFacts&) override { return {}; }
  void leave(const SessionFacts&) override { --inside; }
  [[nodiscard]] bool is_draining() const override { return false; }

  int inside = 0;

 private:
  std::shared_ptr<const config::Settings> settings_;
};

constexpr net::Timeout kPatience = std::chrono::seconds(10);

net::Task<void> say(net::Stream& client, std::string_view octets, std::size_t step) {
  for (; !octets.empty(); octets.remove_prefix(std::min(step, octets.size()))) {
    auto writing = client.write(octets.substr(0, step), kPatience);
    const auto written = co_await std::move(writing);
    if (!written) break;
    auto turn = client.loop().sleep(std::chrono::milliseconds(0));
    co_await turn;
  }
  client.shut_down();
}

net::Task<void> listen(net::Stream& client) {
  smtp::ReplyReader replies;
  std::string room(4096, '\0');
  while (true) {
    auto reading = client.read(room, kPatience);
    const auto got = co_await std::move(reading);
    require(got || got.error().fault != Fault::timed_out);
    if (!got || *got == 0) break;
    replies.feed(std::string_view(room).substr(0, *got));
    auto reply = replies.next();
    for (; reply && *reply; reply = replies.next()) {
    }
    require(reply.has_value());
  }
  require(!replies.has_leftover());
}

net::Task<void> converse(net::Loop& loop, net::TaskScope& scope, net::Stream client,
                         std::string_view octets, std::size_t step) {
  scope.spawn(say(client, octets, step));
  auto listening = listen(client);
  co_await std::move(listening);
  while (scope.size() > 1) {
    auto turn = loop.sleep(std::chrono::milliseconds(0));
    co_await turn;
  }
  loop.stop();
}

void run(std::string_view octets, std::size_t step) {
  static monitoring::Metrics metrics;
  int pair[2];
  require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
  net::Loop loop;
  OpenDoor door;
  {
    net::TaskScope scope;
    scope.spawn(serve(net::Stream(loop, pair[0]), {}, door, metrics));
    scope.spawn(converse(loop, scope, net::Stream(loop, pair[1]), octets, step));
    loop.run();
  }
  require(door.inside == 0);
}

}  // namespace
}  // namespace signet::accept

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  const auto input = signet::fuzz::as_text(octets, size);
  if (input.empty()) return 0;
  constexpr std::size_t kSteps[] = {65'536, 1, 2, 7, 61};
  signet::accept::run(input.substr(1), kSteps[octets[0] % std::size(kSteps)]);
  return 0;
}
