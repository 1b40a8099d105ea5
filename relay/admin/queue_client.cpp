#include "relay/admin/queue_client.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "relay/net/descriptor.hpp"

namespace signet::admin {
namespace {

std::string advice(int error) {
  switch (error) {
    case ENOENT:
    case ECONNREFUSED:
      return "is the relay running, and is this its monitoring.socket?";
    case EACCES:
    case EPERM:
      return "run as root, or as a member of the relay's group";
    default:
      return "is the path right?";
  }
}

Result<net::Descriptor> connect(const std::filesystem::path& path, std::chrono::seconds patience) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& name = path.native();
  if (name.size() >= sizeof address.sun_path) {
    return fail(Fault::connect_failed, name + ": the path is too long for a socket");
  }
  std::memcpy(static_cast<char*>(address.sun_path), name.data(), name.size());
  net::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{.tv_sec = patience.count(), .tv_usec = 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    return socket;
  }
  const int error = errno;
  return fail(Fault::connect_failed, "can't reach the relay at " + name + ": " +
                                         std::strerror(error) + "; " + advice(error));
}

bool send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// All until the end of the stream; the relay closes after each answer.
Result<std::string> receive_all(int socket) {
  std::string received;
  std::array<char, 16384> piece{};
  for (;;) {
    const ssize_t size = ::recv(socket, piece.data(), piece.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      return fail(Fault::timed_out, "the relay does not answer");
    if (size <= 0) return received;
    received.append(piece.data(), static_cast<std::size_t>(size));
  }
}

/// RFC 9112 4: "HTTP/1.1 200 OK", fields, an empty line, the body.
Result<Answer> parse_answer(std::string_view text) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  const auto end = text.find("\r\n\r\n");
  Answer answer;
  const bool is_http = text.starts_with(kVersion) && end != std::string_view::npos;
  if (is_http) {
    const char* digits = text.data() + kVersion.size();
    std::from_chars(digits, digits + 3, answer.status);
  }
  if (answer.status == 0) {
    return fail(Fault::peer_protocol, "the relay ended the connection without an answer");
  }
  answer.body = text.substr(end + 4);
  return answer;
}

}  // namespace

Result<Answer> ask(const std::filesystem::path& socket, std::string_view method,
                   std::string_view target, std::string_view body, std::chrono::seconds patience) {
  const auto connection = connect(socket, patience);
  if (!connection) return connection.failure();
  std::string request(method);
  request.append(" ").append(target).append(" HTTP/1.1\r\nHost: signet\r\nContent-Length: ");
  request.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  if (!send_all(connection->get(), request)) {
    return fail(Fault::peer_protocol, "the relay ended the connection");
  }
  const auto received = receive_all(connection->get());
  if (!received) return received.failure();
  return parse_answer(*received);
}

}  // namespace signet::admin
