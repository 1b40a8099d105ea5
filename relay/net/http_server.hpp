// A small HTTP/1.1 server for monitoring and administration, over libevent's evhttp.
//
// One request per connection; header, body, time and connections are capped. No TLS, no tokens, no
// routing: what a path and a method mean is the handler's affair.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "relay/base/ip_address.hpp"
#include "relay/base/result.hpp"
#include "relay/net/loop.hpp"

namespace signet::net {

/// Who is at the other end of a Unix socket (SO_PEERCRED).
struct PeerCredentials {
  uid_t uid = 0;
  gid_t gid = 0;
  pid_t pid = 0;
};

struct HttpRequest {
  std::string method;         ///< "GET", "HEAD", "POST", "PUT", "PATCH" or "DELETE".
  std::string target;         ///< Path and query as they were sent.
  std::string path;           ///< Percent-decoded, without the query.
  std::string authorization;  ///< The field's value, empty when absent.
  std::string body;
  Endpoint peer;                               ///< Of a TCP connection.
  std::optional<PeerCredentials> credentials;  ///< Of a Unix socket's.
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields = {};  ///< Further header fields.
};

/// One request and the duty to answer it. May outlive the handler, the connection and the server;
/// dropped without an answer it is answered 500.
class HttpExchange {
 public:
  HttpExchange(HttpExchange&&) noexcept;
  HttpExchange& operator=(HttpExchange&&) noexcept;
  ~HttpExchange();
  [[nodiscard]] const HttpRequest& request() const;
  /// Once; from any thread while the loop lives.
  void respond(HttpResponse response);

  struct Pending;
  explicit HttpExchange(std::shared_ptr<Pending> pending);

 private:
  // Shared with the connection, which may end first.
  std::shared_ptr<Pending> pending_;
};

struct HttpLimits {
  int connections = 64;                   ///< More wait in the kernel's queue.
  std::size_t header_bytes = 16U << 10U;  ///< With the request line; beyond it 431.
  std::size_t body_bytes = 1U << 20U;
  std::chrono::milliseconds time{10000};  ///< For the whole request, and for the whole response.
};

class HttpServer {
 public:
  using Place = std::variant<Endpoint, std::filesystem::path>;  ///< TCP, or a Unix socket.
  using Handler = std::function<void(HttpExchange)>;            ///< Called on the loop.

  /// Listens; port 0 takes a free one; a Unix socket gets mode 0660 and replaces one that nobody
  /// serves. Called from any thread while the loop runs, and waits for it. Fault: configuration.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> open(Loop& loop, const Place& place,
                                                                Handler handler,
                                                                HttpLimits limits = {});
  /// Closes all connections; waits for the loop, which must still run (or be this thread's).
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  [[nodiscard]] Endpoint endpoint() const;  ///< With the real port.

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A handler that answers at once.
[[nodiscard]] HttpServer::Handler at_once(std::function<HttpResponse(const HttpRequest&)> answer);

}  // namespace signet::net
