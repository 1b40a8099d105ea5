#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "relay/net/listener.hpp"
#include "relay/net/unix_socket.hpp"

namespace signet::net {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
constexpr int kMost = 1024;

std::optional<int> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return {};
  int value = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  if (error != std::errc() || stop != end) return {};
  return value;
}

std::string address_of(int descriptor) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  const bool is_socket =
      getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) == 0;
  const bool is_internet = storage.ss_family == AF_INET || storage.ss_family == AF_INET6;
  if (is_socket && storage.ss_family == AF_UNIX) return "unix:" + path_of_unix(storage).string();
  if (!is_socket || !is_internet) return "descriptor " + std::to_string(descriptor);
  return Endpoint::from_sockaddr(storage).to_string();
}

/// The address a socket listens on; none: it does not.
std::optional<sockaddr_storage> listening_address(int descriptor) {
  int listening = 0;
  socklen_t size = sizeof listening;
  if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0) return {};
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (listening == 0 ||
      getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return {};
  }
  return storage;
}

bool is_listening_on(int descriptor, const Endpoint& endpoint) {
  const auto address = listening_address(descriptor);
  if (!address) return false;
  const bool is_internet = address->ss_family == AF_INET || address->ss_family == AF_INET6;
  return is_internet && Endpoint::from_sockaddr(*address) == endpoint;
}

}  // namespace

InheritedSockets::InheritedSockets() {
  if (number_in("LISTEN_PID") == getpid()) {
    const int count = std::min(number_in("LISTEN_FDS").value_or(0), kMost);
    for (int descriptor = kFirst; descriptor < kFirst + count; ++descriptor) {
      fcntl(descriptor, F_SETFD, FD_CLOEXEC);
      descriptors_.push_back(descriptor);
    }
  }
  for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) unsetenv(variable);
}

InheritedSockets::~InheritedSockets() {
  for (const int descriptor : descriptors_) ::close(descriptor);
}

std::vector<std::string> InheritedSockets::left() const {
  std::vector<std::string> addresses;
  addresses.reserve(descriptors_.size());
  for (const int descriptor : descriptors_) addresses.push_back(address_of(descriptor));
  return addresses;
}

int InheritedSockets::take(const Endpoint& endpoint) {
  if (endpoint.port == 0) return -1;
  return take_if([&](int descriptor) { return is_listening_on(descriptor, endpoint); });
}

int InheritedSockets::take(const std::filesystem::path& socket) {
  return take_if([&](int descriptor) {
    const auto address = listening_address(descriptor);
    return address && address->ss_family == AF_UNIX && path_of_unix(*address) == socket;
  });
}

int InheritedSockets::take_if(const std::function<bool(int)>& is_it) {
  const auto found = std::ranges::find_if(descriptors_, is_it);
  if (found == descriptors_.end()) return -1;
  const int descriptor = *found;
  descriptors_.erase(found);
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  return descriptor;
}

}  // namespace signet::net
