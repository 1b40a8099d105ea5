#include "relay/deliver/client.hpp"

#include <string.h>

#include "relay/deliver/allowance.hpp"
#include "relay/deliver/exchange.hpp"
#include "relay/deliver/opening.hpp"

namespace signet::deliver {

struct Connection::Impl {
  std::unique_ptr<Dialogue> dialogue;
  smtp::Capabilities capabilities;
  Allowance allowance;
  config::Timeouts timeouts;
  std::string buffer;
  bool needs_reset = false;
};

Connection::Connection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Connection::~Connection() = default;

net::Task<Result<std::unique_ptr<Connection>>> Connection::open(net::Loop& loop,
                                                                ConnectOptions options) {
  auto opened = co_await open_dialogue(loop, options, true);
  const bool may_be_clear = options.tls == config::TlsPolicy::may && !options.implicit_tls;
  if (!opened && opened.error().fault == Fault::tls_failed && may_be_clear) {
    opened = co_await open_dialogue(loop, options, false);
  }
  explicit_bzero(options.password.data(), options.password.size());
  if (!opened) co_return opened.failure();
  const Allowance allowance(opened->capabilities.limits);
  co_return std::unique_ptr<Connection>(
      new Connection(std::make_unique<Impl>(Impl{std::move(opened->dialogue),
                                                 std::move(opened->capabilities),
                                                 allowance,
                                                 options.timeouts,
                                                 {}})));
}

net::Task<std::vector<RecipientOutcome>> Connection::send(Transaction transaction) {
  Exchange exchange(*impl_->dialogue, impl_->capabilities, impl_->timeouts, transaction,
                    impl_->buffer);
  co_await exchange.run(impl_->needs_reset);
  impl_->needs_reset = exchange.needs_reset();
  co_return exchange.take_outcomes();
}

bool Connection::is_reusable() const { return impl_->dialogue->is_open(); }

std::vector<std::size_t> Connection::admit(const std::vector<Domain>& recipients) {
  return impl_->allowance.admit(recipients);
}

bool Connection::is_stale() { return !impl_->dialogue->is_open() || impl_->dialogue->has_unread(); }

net::Task<void> Connection::quit() { co_await impl_->dialogue->quit(impl_->timeouts.quit); }

const std::optional<net::TlsFacts>& Connection::tls() const {
  return impl_->dialogue->stream().tls();
}

Endpoint Connection::local() const { return impl_->dialogue->stream().local(); }

const smtp::Capabilities& Connection::capabilities() const { return impl_->capabilities; }

}  // namespace signet::deliver
