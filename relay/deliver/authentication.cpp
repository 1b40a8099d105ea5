#include "relay/deliver/authentication.hpp"

#include <string.h>

#include <algorithm>

#include "relay/smtp/command.hpp"

namespace signet::deliver {
namespace {

constexpr int kGoOn = 334;
constexpr int kDone = 235;

// A line with a secret in it, wiped at its end.
class SecretLine {
 public:
  explicit SecretLine(std::string text) : text_(std::move(text)) {}
  SecretLine(const SecretLine&) = delete;
  SecretLine& operator=(const SecretLine&) = delete;
  ~SecretLine() { explicit_bzero(text_.data(), text_.size()); }
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::string text_;
};

std::string encode_line(std::string_view secret) { return smtp::encode_base64(secret) + "\r\n"; }

Result<void> judge(const Result<smtp::Reply>& reply) {
  if (!reply) return reply.failure();
  if (reply->code == kDone) return {};
  return fail(Fault::peer_lacks_auth, "AUTH: " + reply->to_string());
}

net::Task<Result<void>> authenticate_plain(Dialogue& dialogue, const ConnectOptions& options) {
  const SecretLine credentials(std::string(1, '\0') + options.user + std::string(1, '\0') +
                               options.password);
  const SecretLine response(encode_line(credentials.text()));
  const SecretLine line("AUTH PLAIN " + std::string(response.text()));
  auto reply = co_await dialogue.ask(line.text(), options.timeouts.greeting);
  // Some servers overlook the initial response and ask for it.
  if (reply && reply->code == kGoOn) {
    reply = co_await dialogue.ask(response.text(), options.timeouts.greeting);
  }
  co_return judge(reply);
}

net::Task<Result<void>> authenticate_login(Dialogue& dialogue, const ConnectOptions& options) {
  const SecretLine user(encode_line(options.user));
  const SecretLine password(encode_line(options.password));
  auto reply = co_await dialogue.ask("AUTH LOGIN\r\n", options.timeouts.greeting);
  for (const SecretLine* answer : {&user, &password}) {
    if (!reply || reply->code != kGoOn) break;
    reply = co_await dialogue.ask(answer->text(), options.timeouts.greeting);
  }
  co_return judge(reply);
}

}  // namespace

net::Task<Result<void>> authenticate(Dialogue& dialogue, const ConnectOptions& options,
                                     const smtp::Capabilities& capabilities) {
  if (!dialogue.stream().tls() && !options.endpoint.address.is_loopback()) {
    co_return fail(Fault::peer_lacks_auth, "AUTH needs TLS");
  }
  const auto offers = [&](std::string_view mechanism) {
    return std::ranges::find(capabilities.auth, mechanism) != capabilities.auth.end();
  };
  if (offers("PLAIN")) {
    auto done = co_await authenticate_plain(dialogue, options);
    co_return done;
  }
  if (offers("LOGIN")) {
    auto done = co_await authenticate_login(dialogue, options);
    co_return done;
  }
  co_return fail(Fault::peer_lacks_auth, "neither AUTH PLAIN nor AUTH LOGIN is offered");
}

}  // namespace signet::deliver
