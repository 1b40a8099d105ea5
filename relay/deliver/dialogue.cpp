#include "relay/deliver/dialogue.hpp"

#include "relay/base/clock.hpp"

namespace signet::deliver {
namespace {

constexpr int kClosing = 421;

}  // namespace

net::Task<Result<smtp::Reply>> Dialogue::receive(net::Timeout timeout) {
  const SteadyTime deadline = SystemClock().steady() + timeout;
  for (;;) {
    auto reply = replies_.next();
    if (!reply) co_return end(reply.error());
    if (*reply) {
      if ((**reply).code == kClosing) open_ = false;
      co_return std::move(**reply);
    }
    // The whole reply has one deadline: a peer that drips octets must not stretch it.
    const auto left = std::chrono::duration_cast<net::Timeout>(deadline - SystemClock().steady());
    if (left.count() <= 0) co_return end(Error{Fault::timed_out, "waiting for a reply"});
    const auto count = co_await stream_.read(input_, left);
    if (!count) co_return end(count.error());
    if (*count == 0) co_return end(Error{Fault::closed, "instead of a reply"});
    replies_.feed({input_.data(), *count});
  }
}

net::Task<Result<void>> Dialogue::send(std::string_view octets, net::Timeout timeout) {
  if (replies_.has_leftover()) {
    co_return end(Error{Fault::peer_protocol, "a reply nobody asked for"});
  }
  auto written = co_await stream_.write(octets, timeout);
  if (!written) co_return end(written.error());
  co_return Result<void>();
}

net::Task<Result<smtp::Reply>> Dialogue::ask(std::string_view line, net::Timeout timeout) {
  const auto sent = co_await send(line, timeout);
  if (!sent) co_return sent.failure();
  auto reply = co_await receive(timeout);
  co_return reply;
}

net::Task<void> Dialogue::quit(net::Timeout timeout) {
  if (!open_) co_return;
  (void)co_await ask("QUIT\r\n", timeout);
  open_ = false;
  stream_.shut_down();
}

net::Task<bool> Dialogue::has_ended() {
  if (replies_.has_leftover()) co_return false;
  const auto count = co_await stream_.read(input_, net::Timeout(0));
  co_return !count || *count == 0;
}

bool Dialogue::is_in_step() {
  if (!replies_.has_leftover()) return true;
  const auto extra = replies_.next();
  open_ = false;
  return extra && *extra && (**extra).code == kClosing && !replies_.has_leftover();
}

Failure Dialogue::end(Error error) {
  open_ = false;
  return fail(std::move(error));
}

}  // namespace signet::deliver
