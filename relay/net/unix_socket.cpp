#include "relay/net/unix_socket.hpp"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace signet::net {
namespace {

Failure refuse(const std::filesystem::path& socket, int error, const char* advice = "") {
  const auto text =
      "cannot listen on unix:" + socket.string() + ": " + std::strerror(error) + advice;
  return fail(Fault::configuration, text, text);
}

Descriptor make_socket() {
  return Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/// A socket whose process is gone: connecting to it is refused.
bool is_left_behind(const std::filesystem::path& file, const sockaddr_un& address) {
  struct stat found{};
  if (::lstat(file.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
  const Descriptor probe = make_socket();
  return probe.is_open() &&
         ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
         errno == ECONNREFUSED;
}

}  // namespace

Result<Descriptor> listen_on_unix(const std::filesystem::path& socket, unsigned mode) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.native().size() >= sizeof address.sun_path) return refuse(socket, ENAMETOOLONG);
  std::memcpy(address.sun_path, socket.c_str(), socket.native().size());
  if (is_left_behind(socket, address)) ::unlink(socket.c_str());
  Descriptor listening = make_socket();
  if (!listening.is_open()) return refuse(socket, errno);
  if (::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const bool is_taken = errno == EADDRINUSE;
    return refuse(socket, errno,
                  is_taken ? "; another program listens there, or it is no socket: remove it" : "");
  }
  // Nobody can connect before listen(2), so nobody comes in under another mode.
  if (::chmod(socket.c_str(), mode) != 0 || ::listen(listening.get(), SOMAXCONN) != 0) {
    const int error = errno;
    ::unlink(socket.c_str());
    return refuse(socket, error);
  }
  return listening;
}

std::filesystem::path path_of_unix(const sockaddr_storage& storage) {
  sockaddr_un address{};
  std::memcpy(&address, &storage, sizeof address);
  return std::string(address.sun_path, strnlen(address.sun_path, sizeof address.sun_path));
}

}  // namespace signet::net
