#include "relay/deliver/opening.hpp"

#include "relay/deliver/authentication.hpp"

namespace signet::deliver {
namespace {

class Opening {
 public:
  Opening(Dialogue& dialogue, const ConnectOptions& options)
      : dialogue_(dialogue), options_(options) {}

  net::Task<Result<void>> run(bool try_tls);
  [[nodiscard]] smtp::Capabilities& capabilities() { return capabilities_; }

 private:
  net::Task<Result<void>> take_greeting();
  net::Task<Result<void>> say_hello();
  net::Task<Result<void>> say_helo();
  net::Task<Result<void>> secure(bool try_tls);
  net::Task<Result<void>> start_tls();
  net::Task<Result<void>> refuse_unread();
  net::Task<Result<void>> shake_hands();
  [[nodiscard]] bool must_have_tls() const {
    return options_.tls == config::TlsPolicy::encrypt || options_.tls == config::TlsPolicy::verify;
  }

  Dialogue& dialogue_;
  const ConnectOptions& options_;
  smtp::Capabilities capabilities_;
};

net::Task<Result<void>> Opening::run(bool try_tls) {
  if (options_.implicit_tls) {
    auto shaken = co_await shake_hands();
    if (!shaken) co_return shaken;
  }
  auto greeted = co_await take_greeting();
  if (!greeted) co_return greeted;
  auto known = co_await say_hello();
  if (!known) co_return known;
  if (!options_.implicit_tls) {
    auto secured = co_await secure(try_tls);
    if (!secured) co_return secured;
  }
  if (options_.user.empty()) co_return Result<void>();
  auto authenticated = co_await authenticate(dialogue_, options_, capabilities_);
  // Whom the peer knows it may allow more (RFC 9422 3).
  if (!authenticated || !capabilities_.limits.any()) co_return authenticated;
  auto known_again = co_await say_hello();
  co_return known_again;
}

net::Task<Result<void>> Opening::take_greeting() {
  const auto greeting = co_await dialogue_.receive(options_.timeouts.greeting);
  if (!greeting) co_return greeting.failure();
  if (greeting->code != 220) co_return refused("greeting", *greeting);
  co_return Result<void>();
}

net::Task<Result<void>> Opening::say_hello() {
  capabilities_ = {};
  const std::string line = "EHLO " + options_.helo + "\r\n";
  const auto reply = co_await dialogue_.ask(line, options_.timeouts.greeting);
  if (!reply) co_return reply.failure();
  if (reply->is_permanent()) {
    auto spoken = co_await say_helo();
    co_return spoken;
  }
  if (reply->code != 250) co_return refused("EHLO", *reply);
  capabilities_ = smtp::parse_capabilities(*reply);
  co_return Result<void>();
}

net::Task<Result<void>> Opening::say_helo() {
  const std::string line = "HELO " + options_.helo + "\r\n";
  const auto reply = co_await dialogue_.ask(line, options_.timeouts.greeting);
  if (!reply) co_return reply.failure();
  if (reply->code != 250) co_return refused("HELO", *reply);
  co_return Result<void>();
}

net::Task<Result<void>> Opening::secure(bool try_tls) {
  const bool wanted = try_tls && options_.tls != config::TlsPolicy::none;
  if (wanted && capabilities_.starttls && options_.tls_settings) {
    auto started = co_await start_tls();
    co_return started;
  }
  if (must_have_tls()) co_return fail(Fault::tls_failed, "STARTTLS is not offered");
  co_return Result<void>();
}

net::Task<Result<void>> Opening::start_tls() {
  const auto reply = co_await dialogue_.ask("STARTTLS\r\n", options_.timeouts.greeting);
  if (!reply) co_return reply.failure();
  if (reply->code != 220) {
    const bool goes_on = !must_have_tls() && dialogue_.is_open() && !reply->is_positive();
    if (goes_on) co_return Result<void>();
    if (must_have_tls()) co_return fail(Fault::tls_failed, "STARTTLS: " + reply->to_string());
    co_return refused("STARTTLS", *reply);
  }
  if (dialogue_.has_unread()) {
    auto spoken = co_await refuse_unread();
    co_return spoken;
  }
  const auto shaken = co_await shake_hands();
  if (!shaken) co_return shaken.failure();
  auto known = co_await say_hello();
  if (!known && known.error().fault == Fault::closed) {
    // In TLS 1.3 a server's objection may arrive only after our side of the handshake is done.
    co_return fail(Fault::tls_failed, "closed right after the handshake");
  }
  co_return known;
}

// Octets sent in clear here would be read as if they had come through TLS (CVE-2021-38371). An end
// of the stream is a broken handshake like any other.
net::Task<Result<void>> Opening::refuse_unread() {
  const bool ended = co_await dialogue_.has_ended();
  dialogue_.abandon();
  if (ended) co_return fail(Fault::tls_failed, "closed after the reply to STARTTLS");
  co_return fail(Fault::peer_protocol, "octets after the reply to STARTTLS");
}

net::Task<Result<void>> Opening::shake_hands() {
  if (!options_.tls_settings) co_return fail(Fault::tls_failed, "no TLS settings");
  const bool verify = options_.tls == config::TlsPolicy::verify;
  const auto done = co_await dialogue_.stream().connect_tls(
      *options_.tls_settings, options_.host, verify, options_.timeouts.tls_handshake);
  if (done) co_return Result<void>();
  dialogue_.abandon();
  co_return fail(Fault::tls_failed, "handshake: " + std::string(row(done.error().fault).name) +
                                        " " + done.error().detail);
}

}  // namespace

net::Task<Result<Opened>> open_dialogue(net::Loop& loop, const ConnectOptions& options,
                                        bool try_tls) {
  auto stream =
      co_await net::Stream::connect(loop, options.endpoint, options.bind, options.timeouts.connect);
  if (!stream) co_return stream.failure();
  Opened opened{std::make_unique<Dialogue>(std::move(*stream)), {}};
  Opening opening(*opened.dialogue, options);
  const auto ready = co_await opening.run(try_tls);
  if (!ready) {
    co_await opened.dialogue->quit(options.timeouts.quit);
    co_return ready.failure();
  }
  opened.capabilities = std::move(opening.capabilities());
  co_return std::move(opened);
}

Failure refused(std::string_view step, const smtp::Reply& reply) {
  const Fault fault = reply.is_permanent()   ? Fault::peer_permanent
                      : reply.is_transient() ? Fault::peer_temporary
                                             : Fault::peer_protocol;
  return fail(fault, std::string(step) + ": " + reply.to_string());
}

}  // namespace signet::deliver
