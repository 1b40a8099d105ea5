#include "relay/net/http_client.hpp"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/dns.h>
#include <event2/http.h>
#include <event2/util.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <charconv>
#include <optional>

#include "relay/base/ip_address.hpp"
#include "relay/net/libevent.hpp"
#include "relay/net/tls_impl.hpp"

namespace signet::net {
namespace {

struct UriFree {
  void operator()(evhttp_uri* uri) const { evhttp_uri_free(uri); }
};
struct DnsFree {
  // Whoever still waits is told, and finds its request cancelled.
  void operator()(evdns_base* dns) const { evdns_base_free(dns, 1); }
};
struct ConnectionFree {
  void operator()(evhttp_connection* connection) const { evhttp_connection_free(connection); }
};

constexpr std::size_t kMaxAnswer = std::size_t{1} << 20U;
constexpr std::size_t kMaxHeader = std::size_t{64} << 10U;

std::string_view text_of(const char* text) { return text == nullptr ? "" : text; }

std::chrono::seconds retry_after_of(evhttp_request* raw) {
  const std::string_view value =
      text_of(evhttp_find_header(evhttp_request_get_input_headers(raw), "Retry-After"));
  std::uint32_t seconds = 0;
  const auto end = std::from_chars(value.data(), value.data() + value.size(), seconds).ptr;
  return std::chrono::seconds(end == value.data() + value.size() ? seconds : 0);
}

/// One request under way; what evhttp calls back is this, until it goes.
class Exchange {
 public:
  using Done = Completion<Result<HttpAnswer>>::Done;

  Exchange(event_base* base, evdns_base* dns, const HttpPost& request) {
    bufferevent* transport =
        request.url.tls ? make_tls(base, request) : bufferevent_socket_new(base, -1, kOwned);
    if (transport == nullptr) return;
    connection_.reset(evhttp_connection_base_bufferevent_new(
        base, dns, transport, request.url.host.c_str(), request.url.port));
    evhttp_connection_set_max_body_size(connection_.get(), kMaxAnswer);
    evhttp_connection_set_max_headers_size(connection_.get(), kMaxHeader);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void start(event_base* base, const HttpPost& request, std::chrono::milliseconds timeout,
             Done done) {
    done_ = std::move(done);
    if (!connection_) return finish(fail(Fault::tls_failed, "no TLS for " + request.url.host));
    timer_.reset(event_new(base, -1, 0, on_timeout, this));
    const timeval wait = to_timeval(timeout);
    event_add(timer_.get(), &wait);
    evhttp_request* raw = evhttp_request_new(on_answer, this);
    evhttp_request_set_error_cb(raw, on_error);
    evkeyvalq* fields = evhttp_request_get_output_headers(raw);
    evhttp_add_header(fields, "Host", request.url.authority().c_str());
    evhttp_add_header(fields, "Connection", "close");
    for (const auto& [name, value] : request.fields)
      evhttp_add_header(fields, name.c_str(), value.c_str());
    evbuffer_add(evhttp_request_get_output_buffer(raw), request.body.data(), request.body.size());
    if (evhttp_make_request(connection_.get(), raw, EVHTTP_REQ_POST, request.url.target.c_str()) !=
        0)
      finish(fail(Fault::connect_failed, request.url.authority()));
  }

 private:
  static constexpr int kOwned = BEV_OPT_CLOSE_ON_FREE;

  bufferevent* make_tls(event_base* base, const HttpPost& request) {
    if (!request.tls) return nullptr;
    ERR_clear_error();
    ssl_.reset(SSL_new(request.tls->impl().context.get()));
    if (!ssl_ || !set_expected_name(ssl_.get(), request.url.host)) return nullptr;
    SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, nullptr);
    SSL_up_ref(ssl_.get());  // The bufferevent has one share, and its words outlive it here.
    bufferevent* made =
        bufferevent_openssl_socket_new(base, -1, ssl_.get(), BUFFEREVENT_SSL_CONNECTING, kOwned);
    // HTTP says itself where a body ends (RFC 9112 9.8).
    if (made != nullptr) bufferevent_openssl_set_allow_dirty_shutdown(made, 1);
    return made;
  }

  static void on_answer(evhttp_request* raw, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    if (raw == nullptr || evhttp_request_get_response_code(raw) == 0)
      return exchange.finish(exchange.why_none());
    exchange.finish(HttpAnswer{.status = evhttp_request_get_response_code(raw),
                               .retry_after = retry_after_of(raw)});
  }
  static void on_error(evhttp_request_error error, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    if (error == EVREQ_HTTP_INVALID_HEADER || error == EVREQ_HTTP_DATA_TOO_LONG)
      exchange.finish(fail(Fault::peer_protocol, "the answer is no HTTP, or too long"));
  }
  static void on_timeout(evutil_socket_t /*unused*/, short /*unused*/, void* self) {
    static_cast<Exchange*>(self)->finish(fail(Fault::timed_out, "no answer in time"));
  }

  [[nodiscard]] Failure why_none() const {
    const int unresolved =
        bufferevent_socket_get_dns_error(evhttp_connection_get_bufferevent(connection_.get()));
    if (unresolved != 0) return fail(Fault::connect_failed, evutil_gai_strerror(unresolved));
    if (ssl_) {
      const long verified = SSL_get_verify_result(ssl_.get());
      if (verified != X509_V_OK)
        return fail(Fault::tls_failed, X509_verify_cert_error_string(verified));
    }
    // What the system said of it is gone by now: evhttp has closed the socket.
    return fail(Fault::connect_failed, "no connection, or it ended without an answer");
  }

  void finish(Result<HttpAnswer> result) {
    if (timer_) event_del(timer_.get());
    if (done_) std::exchange(done_, nullptr)(std::move(result));
  }

  UniqueSsl ssl_;
  std::unique_ptr<evhttp_connection, ConnectionFree> connection_;
  internal::UniqueEvent timer_;
  Done done_;
};

}  // namespace

struct HttpClient::Impl {
  explicit Impl(Loop& on) : loop(on) {
    constexpr int kFlags = EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE;
    dns.reset(evdns_base_new(loop.base(), kFlags));
    // Without a name server in resolv.conf there are addresses and the names of the hosts file.
    if (dns) return;
    dns.reset(evdns_base_new(loop.base(), EVDNS_BASE_DISABLE_WHEN_INACTIVE));
    evdns_base_load_hosts(dns.get(), "/etc/hosts");
  }
  Loop& loop;
  std::unique_ptr<evdns_base, DnsFree> dns;
};

HttpClient::HttpClient(Loop& loop) : impl_(std::make_unique<Impl>(loop)) {}
HttpClient::~HttpClient() = default;

Task<Result<HttpAnswer>> HttpClient::post(HttpPost request, std::chrono::milliseconds timeout) {
  event_base* base = impl_->loop.base();
  Exchange exchange(base, impl_->dns.get(), request);
  co_return co_await completion<Result<HttpAnswer>>(impl_->loop, [&](Exchange::Done done) {
    exchange.start(base, request, timeout, std::move(done));
  });
}

Result<HttpUrl> HttpUrl::parse(std::string_view text) {
  const auto wrong = [&](const char* why) {
    return fail(Fault::configuration, "\"" + std::string(text) + "\" " + why);
  };
  const std::unique_ptr<evhttp_uri, UriFree> uri(evhttp_uri_parse(std::string(text).c_str()));
  if (!uri) return wrong("is no URL");
  HttpUrl url;
  const std::string_view scheme = text_of(evhttp_uri_get_scheme(uri.get()));
  if (scheme != "http" && scheme != "https")
    return wrong("begins with neither http:// nor https://");
  if (evhttp_uri_get_userinfo(uri.get()) != nullptr) return wrong("holds a user: use a token");
  if (evhttp_uri_get_fragment(uri.get()) != nullptr) return wrong("holds a fragment");
  url.tls = scheme == "https";
  url.host = text_of(evhttp_uri_get_host(uri.get()));
  if (url.host.starts_with('[') && url.host.ends_with(']'))
    url.host = url.host.substr(1, url.host.size() - 2);
  if (url.host.empty()) return wrong("names no host");
  const int port = evhttp_uri_get_port(uri.get());
  if (port == 0) return wrong("has port 0");
  url.port = static_cast<std::uint16_t>(port > 0 ? port : url.tls ? 443 : 80);
  url.target = text_of(evhttp_uri_get_path(uri.get()));
  if (url.target.empty()) url.target = "/";
  if (const char* query = evhttp_uri_get_query(uri.get())) url.target.append("?").append(query);
  return url;
}

bool HttpUrl::is_loopback() const {
  const auto address = IpAddress::parse(host);
  return host == "localhost" || (address && address->is_loopback());
}

std::string HttpUrl::authority() const {
  const bool is_v6 = host.find(':') != std::string::npos;
  std::string text = is_v6 ? "[" + host + "]" : host;
  if (port != (tls ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

}  // namespace signet::net
