#include "relay/net/listener.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "relay/net/descriptor.hpp"
#include "relay/net/libevent.hpp"
#include "relay/net/unix_socket.hpp"

namespace signet::net {
namespace {

constexpr int kBatch = 64;  // Then other events of the loop have their turn.
constexpr auto kRest = std::chrono::milliseconds(100);

Descriptor open_spare() { return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

Endpoint bound_endpoint(int descriptor) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length);
  return Endpoint::from_sockaddr(storage);
}

std::string advice_for(int error) {
  switch (error) {
    case EACCES:
      return "; give the program CAP_NET_BIND_SERVICE, let systemd open the socket, or use a port "
             "above 1023";
    case EADDRINUSE:
      return "; another program listens there: stop it or choose another port";
    case EADDRNOTAVAIL:
      return "; no interface of this machine has that address";
    case EAFNOSUPPORT:
      return "; this machine has no such protocol: use an address of the other family";
    default:
      return {};
  }
}

Failure refuse(const Endpoint& endpoint, int error) {
  const auto text =
      "cannot listen on " + endpoint.to_string() + ": " + std::strerror(error) + advice_for(error);
  return fail(Fault::configuration, text, text);
}

Result<Descriptor> listen_on(const Endpoint& endpoint) {
  sockaddr_storage storage{};
  const socklen_t length = endpoint.to_sockaddr(storage);
  Descriptor socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return refuse(endpoint, errno);
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (endpoint.address.is_v6()) {
    setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0) {
    return refuse(endpoint, errno);
  }
  return socket;
}

bool ran_out(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

struct Listener::Impl {
  /// Shared, because a connection on its way to its loop may outlive the listener.
  struct Distribution {
    std::vector<Worker> workers;
    Handler handler;
  };

  Impl(Loop& home, Descriptor listening, std::vector<Worker> workers, Handler handler);
  ~Impl();
  void accept_batch();
  void accept_without_descriptors(int error);
  void hand_over(Descriptor connection);

  Loop& loop;
  Descriptor socket;
  Descriptor spare = open_spare();
  std::shared_ptr<const Distribution> distribution;
  std::atomic<std::uint64_t> turned_away{0};
  std::function<void()> told;
  std::filesystem::path file;  // Of a Unix socket we made; empty: there is none to remove.
  bool paused = false;
  event readable{};
  event rest{};
};

Listener::Impl::Impl(Loop& home, Descriptor listening, std::vector<Worker> workers, Handler handler)
    : loop(home),
      socket(std::move(listening)),
      distribution(
          std::make_shared<Distribution>(Distribution{std::move(workers), std::move(handler)})) {
  event_assign(
      &readable, loop.base(), socket.get(), EV_READ | EV_PERSIST,
      [](int, short, void* self) { static_cast<Impl*>(self)->accept_batch(); }, this);
  event_assign(
      &rest, loop.base(), -1, 0,
      [](int, short, void* self) {
        auto* impl = static_cast<Impl*>(self);
        if (!impl->paused) event_add(&impl->readable, nullptr);
      },
      this);
  if (event_add(&readable, nullptr) != 0) std::abort();
}

Listener::Impl::~Impl() {
  event_del(&readable);
  event_del(&rest);
  if (!file.empty()) ::unlink(file.c_str());
}

void Listener::Impl::accept_batch() {
  for (int i = 0; i < kBatch; ++i) {
    Descriptor connection(accept4(socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (connection.is_open()) {
      hand_over(std::move(connection));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return;
    } else if (ran_out(errno)) {
      return accept_without_descriptors(errno);
    }
    // Anything else is a connection that failed before it was accepted (accept(2)).
  }
}

// The spare descriptor lets one waiting peer be closed instead of waiting for ever. Then the
// listener rests: level-triggered readiness would otherwise keep the loop busy.
void Listener::Impl::accept_without_descriptors(int error) {
  if (error == EMFILE && spare.is_open()) {
    spare.reset();
    const Descriptor refused(accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (refused.is_open()) {
      turned_away.fetch_add(1, std::memory_order_relaxed);
      if (told) told();
    }
  }
  if (!spare.is_open()) spare = open_spare();
  event_del(&readable);
  const auto delay = to_timeval(kRest);
  if (event_add(&rest, &delay) != 0) std::abort();
}

void Listener::Impl::hand_over(Descriptor connection) {
  const auto& workers = distribution->workers;
  const auto& chosen = *std::ranges::min_element(workers, {}, [](const Worker& worker) {
    return worker.connections->load(std::memory_order_relaxed);
  });
  chosen.connections->fetch_add(1, std::memory_order_relaxed);
  chosen.loop->post([shared = distribution, &chosen, slot = ConnectionSlot(chosen),
                     owned = std::move(connection)]() mutable {
    slot.release();
    shared->handler(Stream(*chosen.loop, owned.release()), chosen);
  });
}

Result<std::unique_ptr<Listener>> Listener::open(Loop& loop, const Endpoint& endpoint,
                                                 InheritedSockets* inherited,
                                                 std::vector<Worker> workers, Handler handler) {
  if (workers.empty()) return fail(Fault::configuration, "a listener needs a worker");
  Descriptor socket(inherited == nullptr ? -1 : inherited->take(endpoint));
  if (!socket.is_open()) {
    auto bound = listen_on(endpoint);
    if (!bound) return bound.failure();
    socket = std::move(*bound);
  }
  return std::unique_ptr<Listener>(new Listener(
      std::make_unique<Impl>(loop, std::move(socket), std::move(workers), std::move(handler))));
}

Result<std::unique_ptr<Listener>> Listener::open(Loop& loop, const std::filesystem::path& socket,
                                                 unsigned mode, InheritedSockets* inherited,
                                                 std::vector<Worker> workers, Handler handler) {
  if (workers.empty()) return fail(Fault::configuration, "a listener needs a worker");
  Descriptor listening(inherited == nullptr ? -1 : inherited->take(socket));
  const bool is_ours = !listening.is_open();
  if (is_ours) {
    auto bound = listen_on_unix(socket, mode);
    if (!bound) return bound.failure();
    listening = std::move(*bound);
  }
  auto impl =
      std::make_unique<Impl>(loop, std::move(listening), std::move(workers), std::move(handler));
  if (is_ours) impl->file = socket;
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;

void Listener::pause() {
  impl_->paused = true;
  event_del(&impl_->readable);
  event_del(&impl_->rest);
}

void Listener::resume() {
  impl_->paused = false;
  if (event_add(&impl_->readable, nullptr) != 0) std::abort();
}

Endpoint Listener::endpoint() const { return bound_endpoint(impl_->socket.get()); }
void Listener::on_turned_away(std::function<void()> told) { impl_->told = std::move(told); }
std::uint64_t Listener::turned_away() const {
  return impl_->turned_away.load(std::memory_order_relaxed);
}

}  // namespace signet::net
