#include "relay/net/stream.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "relay/net/stream_impl.hpp"

namespace signet::net {
namespace {

using Outcome = Attempt::Outcome;

Attempt attempt_of(ssize_t result, Outcome wants) {
  if (result >= 0) return {Outcome::done, static_cast<std::size_t>(result)};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {wants};
  return {Outcome::failed, 0, std::strerror(errno), true};
}

Endpoint local_endpoint(int descriptor) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0 ||
      storage.ss_family == AF_UNIX) {
    return {};
  }
  return Endpoint::from_sockaddr(storage);
}

constexpr std::uint32_t kNobody = ~0U;  // (uid_t)-1 is no user.

void prepare(int descriptor) {
  const int flags = fcntl(descriptor, F_GETFL);
  if ((flags & O_NONBLOCK) == 0) fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

Stream::Stream(Loop& loop, int descriptor) : impl_(std::make_unique<Impl>(loop, descriptor)) {
  prepare(descriptor);
}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

Task<Result<Stream>> Stream::connect(Loop& loop, Endpoint to, std::optional<IpAddress> bind,
                                     Timeout timeout) {
  sockaddr_storage storage{};
  socklen_t length = to.to_sockaddr(storage);
  const int descriptor = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) {
    co_return fail(Fault::connect_failed, std::string("socket: ") + std::strerror(errno));
  }
  Stream stream(loop, descriptor);
  if (bind) {
    // The kernel picks the port at connect(2), when the whole four-tuple is known.
    const int on = 1;
    setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    sockaddr_storage source{};
    const socklen_t source_length = Endpoint{*bind, 0}.to_sockaddr(source);
    if (::bind(descriptor, reinterpret_cast<sockaddr*>(&source), source_length) != 0) {
      co_return fail(Fault::connect_failed,
                     "bind to " + bind->to_string() + ": " + std::strerror(errno));
    }
  }
  stream.impl_->peer = to;
  if (::connect(descriptor, reinterpret_cast<sockaddr*>(&storage), length) != 0) {
    if (errno != EINPROGRESS) {
      co_return fail(Fault::connect_failed, to.to_string() + ": " + std::strerror(errno));
    }
    auto connected = co_await Impl::finish_connect(*stream.impl_, timeout);
    if (!connected) co_return connected.failure();
  }
  co_return stream;
}

Task<Result<void>> Stream::Impl::finish_connect(Impl& impl, Timeout timeout) {
  Readiness readiness(impl, Side::writer, Outcome::wants_write, deadline_in(timeout));
  const bool ready = co_await readiness;
  if (!ready) co_return fail(Fault::timed_out, "connect to " + impl.peer.to_string());
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(impl.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) {
    co_return fail(Fault::connect_failed, impl.peer.to_string() + ": " + std::strerror(error));
  }
  co_return Result<void>();
}

Task<Result<std::size_t>> Stream::read(std::span<char> into, Timeout timeout) {
  return Impl::read(*impl_, into, timeout);
}

Task<Result<std::size_t>> Stream::Impl::read(Impl& impl, std::span<char> into, Timeout timeout) {
  std::optional<SteadyTime> deadline;
  for (;;) {
    auto attempt = impl.try_read(into);
    if (attempt.outcome == Outcome::done) co_return attempt.count;
    if (attempt.outcome == Outcome::failed)
      co_return fail(Fault::closed, std::move(attempt.detail));
    if (!deadline) deadline = deadline_in(timeout);
    const bool ready = co_await Readiness(impl, Side::reader, attempt.outcome, *deadline);
    if (!ready) co_return fail(Fault::timed_out, "read");
  }
}

Task<Result<void>> Stream::write(std::string_view bytes, Timeout timeout) {
  return Impl::write(*impl_, bytes, timeout);
}

Task<Result<void>> Stream::Impl::write(Impl& impl, std::string_view bytes, Timeout timeout) {
  std::optional<SteadyTime> deadline;
  while (!bytes.empty()) {
    auto attempt = impl.try_write(bytes);
    if (attempt.outcome == Outcome::failed)
      co_return fail(Fault::closed, std::move(attempt.detail));
    if (attempt.outcome == Outcome::done) {
      bytes.remove_prefix(attempt.count);
      deadline.reset();
      continue;
    }
    if (!deadline) deadline = deadline_in(timeout);
    const bool ready = co_await Readiness(impl, Side::writer, attempt.outcome, *deadline);
    if (!ready) co_return fail(Fault::timed_out, "write");
  }
  co_return Result<void>();
}

Attempt Stream::Impl::try_read(std::span<char> into) {
  if (ssl) return try_tls_read(into);
  return attempt_of(recv(socket.get(), into.data(), into.size(), 0), Outcome::wants_read);
}

Attempt Stream::Impl::try_write(std::string_view bytes) {
  if (ssl) return try_tls_write(bytes);
  return attempt_of(send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                    Outcome::wants_write);
}

void Stream::shut_down() {
  impl_->close_tls();
  ::shutdown(impl_->socket.get(), SHUT_WR);
}

bool Stream::has_pending_input() {
  if (impl_->ssl) return impl_->tls_would_read();
  char octet = 0;
  const auto count = recv(impl_->socket.get(), &octet, 1, MSG_PEEK);
  return count >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

const std::optional<TlsFacts>& Stream::tls() const { return impl_->facts; }
Endpoint Stream::peer() const { return impl_->peer; }
std::optional<std::uint32_t> Stream::peer_uid() const {
  int domain = 0;
  socklen_t size = sizeof domain;
  if (getsockopt(impl_->socket.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 ||
      domain != AF_UNIX) {
    return std::nullopt;
  }
  ucred credentials{};
  size = sizeof credentials;
  if (getsockopt(impl_->socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return kNobody;
  }
  return credentials.uid;
}
Endpoint Stream::local() const { return local_endpoint(impl_->socket.get()); }
Loop& Stream::loop() const { return impl_->loop; }

}  // namespace signet::net
