// HTTP/1.1 POST over libevent's evhttp: for telling another program something.
//
// One connection for each request. Names are resolved as the system is set up (resolv.conf, hosts),
// without blocking the loop; TLS is 1.2 or newer and the peer is always verified (RFC 9110 4.3.4).
// Redirects are not followed: they are an answer like any other.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "relay/base/result.hpp"
#include "relay/net/loop.hpp"

namespace signet::net {

class ClientTls;

struct HttpUrl {
  bool tls = false;
  std::string host;  ///< Name or address; an IPv6 address without its brackets.
  std::uint16_t port = 0;
  std::string target;  ///< Path and query.

  /// "http://" or "https://" with a host, without user and fragment. Fault: configuration.
  [[nodiscard]] static Result<HttpUrl> parse(std::string_view text);
  /// localhost or a loopback address.
  [[nodiscard]] bool is_loopback() const;
  /// The Host field: without the port that goes without saying.
  [[nodiscard]] std::string authority() const;
};

struct HttpAnswer {
  int status = 0;
  std::chrono::seconds retry_after{0};  ///< Retry-After in seconds (RFC 9110 10.2.3); 0: none.
};

struct HttpPost {
  HttpUrl url;
  std::shared_ptr<const ClientTls> tls;  ///< Shared with later requests; null for http.
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
};

/// Lives and is used on the loop's thread.
class HttpClient {
 public:
  explicit HttpClient(Loop& loop);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// The status of the answer, whatever it is; `timeout` is for everything from the look-up on.
  /// Faults: connect_failed, tls_failed, timed_out, peer_protocol.
  [[nodiscard]] Task<Result<HttpAnswer>> post(HttpPost request, std::chrono::milliseconds timeout);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace signet::net
