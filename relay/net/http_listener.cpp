#include "relay/net/http_listener.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace signet::net {
namespace {

constexpr int kBacklog = 128;
constexpr int kSocketType = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

Failure refuse(const std::string& place) {
  return fail(Fault::configuration, "can't listen on " + place + ": " + std::strerror(errno));
}

/// True if a process accepts connections at `address`.
bool is_served(const sockaddr_un& address) {
  const Descriptor probe(::socket(AF_UNIX, kSocketType, 0));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  // EAGAIN: its queue is full, so somebody is there.
  return ::connect(probe.get(), generic, sizeof address) == 0 || errno == EAGAIN;
}

}  // namespace

Result<Descriptor> listen_tcp(const Endpoint& endpoint) {
  sockaddr_storage storage{};
  const socklen_t length = endpoint.to_sockaddr(storage);
  Descriptor socket(::socket(storage.ss_family, kSocketType, 0));
  const int on = 1;
  const bool is_listening =
      socket.is_open() &&
      ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0 &&
      ::listen(socket.get(), kBacklog) == 0;
  if (!is_listening) return refuse(endpoint.to_string());
  return socket;
}

Result<Descriptor> listen_unix(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& name = path.native();
  if (name.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return refuse(name);
  }
  std::memcpy(static_cast<char*>(address.sun_path), name.data(), name.size());
  if (is_served(address)) {
    errno = EADDRINUSE;
    return refuse(name);
  }
  std::error_code ignored;
  if (std::filesystem::is_socket(path, ignored)) std::filesystem::remove(path, ignored);
  Descriptor socket(::socket(AF_UNIX, kSocketType, 0));
  // The descriptor's mode is the file's when bind() makes it, so it is never wider than this.
  const bool is_listening =
      socket.is_open() && ::fchmod(socket.get(), 0660) == 0 &&
      ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::chmod(name.c_str(), 0660) == 0 && ::listen(socket.get(), kBacklog) == 0;
  if (!is_listening) return refuse(name);
  return socket;
}

}  // namespace signet::net
