#include "relay/net/http_server.hpp"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>

#include <cstdlib>
#include <cstring>
#include <future>

#include "relay/net/http_connections.hpp"
#include "relay/net/http_listener.hpp"

namespace signet::net {
namespace {

struct HttpFree {
  void operator()(evhttp* http) const { evhttp_free(http); }
};
using UniqueHttp = std::unique_ptr<evhttp, HttpFree>;

/// Runs `work` on the loop and waits for it; an ended loop drops it.
void run_on_loop(Loop& loop, std::function<void()> work) {
  if (loop.is_current()) return work();
  std::promise<void> done;
  const std::future<void> is_done = done.get_future();
  loop.post([&work, done = std::move(done)]() mutable {
    work();
    done.set_value();
  });
  is_done.wait();
}

std::string_view method_of(evhttp_request* raw) {
  switch (evhttp_request_get_command(raw)) {
    case EVHTTP_REQ_GET:
      return "GET";
    case EVHTTP_REQ_HEAD:
      return "HEAD";
    case EVHTTP_REQ_POST:
      return "POST";
    case EVHTTP_REQ_PUT:
      return "PUT";
    case EVHTTP_REQ_PATCH:
      return "PATCH";
    case EVHTTP_REQ_DELETE:
      return "DELETE";
    default:
      return {};
  }
}

/// Octets of the request line and the header.
std::size_t header_size(evhttp_request* raw) {
  const char* line = evhttp_request_get_uri(raw);
  std::size_t size = line == nullptr ? 0 : std::strlen(line);
  const evkeyvalq* fields = evhttp_request_get_input_headers(raw);
  for (const evkeyval* field = fields->tqh_first; field != nullptr; field = field->next.tqe_next) {
    size += std::strlen(field->key) + std::strlen(field->value) + 4;  // ": " and the line's end.
  }
  return size;
}

/// RFC 9112 6.3: a request whose lengths differ has no end that both sides know.
bool has_two_lengths(evhttp_request* raw) {
  const char* first = nullptr;
  const evkeyvalq* fields = evhttp_request_get_input_headers(raw);
  for (const evkeyval* field = fields->tqh_first; field != nullptr; field = field->next.tqe_next) {
    if (::strcasecmp(field->key, "Content-Length") != 0) continue;
    if (first == nullptr) first = field->value;
    if (std::strcmp(first, field->value) != 0) return true;
  }
  return false;
}

/// Path and query; an absolute form loses its scheme and host.
std::string target_of(const evhttp_uri* uri) {
  const char* path = evhttp_uri_get_path(uri);
  const char* query = evhttp_uri_get_query(uri);
  std::string target = path == nullptr ? "" : path;
  if (query != nullptr) target.append("?").append(query);
  return target;
}

std::string decode_path(const char* text) {
  std::size_t size = 0;
  char* decoded = text == nullptr ? nullptr : evhttp_uridecode(text, 0, &size);
  std::string path = decoded == nullptr ? std::string() : std::string(decoded, size);
  std::free(decoded);
  return path;
}

int descriptor_of(evhttp_request* raw) {
  return bufferevent_getfd(evhttp_connection_get_bufferevent(evhttp_request_get_connection(raw)));
}

void read_peer(evhttp_request* raw, HttpRequest& into) {
  const int descriptor = descriptor_of(raw);
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&storage), &length);
  if (storage.ss_family != AF_UNIX) {
    into.peer = Endpoint::from_sockaddr(storage);
    return;
  }
  ucred credentials{};
  length = sizeof credentials;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) return;
  into.credentials = PeerCredentials{credentials.uid, credentials.gid, credentials.pid};
}

HttpRequest read_request(evhttp_request* raw) {
  HttpRequest request;
  request.method = method_of(raw);
  const evhttp_uri* uri = evhttp_request_get_evhttp_uri(raw);
  request.target = target_of(uri);
  request.path = decode_path(evhttp_uri_get_path(uri));
  const char* authorization =
      evhttp_find_header(evhttp_request_get_input_headers(raw), "Authorization");
  if (authorization != nullptr) request.authorization = authorization;
  evbuffer* body = evhttp_request_get_input_buffer(raw);
  request.body.resize(evbuffer_get_length(body));
  evbuffer_copyout(body, request.body.data(), request.body.size());
  read_peer(raw, request);
  return request;
}

void send(evhttp_request* raw, const HttpResponse& response) {
  evkeyvalq* fields = evhttp_request_get_output_headers(raw);
  evhttp_add_header(fields, "Content-Type", response.content_type.c_str());
  evhttp_add_header(fields, "Cache-Control", "no-store");
  evhttp_add_header(fields, "X-Content-Type-Options", "nosniff");
  evhttp_add_header(fields, "Connection", "close");
  for (const auto& [name, value] : response.fields) {
    evhttp_add_header(fields, name.c_str(), value.c_str());
  }
  // evhttp gives no length to an answer to HEAD or CONNECT.
  evhttp_add_header(fields, "Content-Length", std::to_string(response.body.size()).c_str());
  const evhttp_cmd_type command = evhttp_request_get_command(raw);
  if (command != EVHTTP_REQ_HEAD) {  // RFC 9110 9.3.2
    evbuffer* body = evhttp_request_get_output_buffer(raw);
    evbuffer_add(body, response.body.data(), response.body.size());
  }
  // Nor does it ever end the connection after CONNECT: it takes every one for a tunnel.
  if (command == EVHTTP_REQ_CONNECT) {
    evhttp_request_set_on_complete_cb(
        raw,
        [](evhttp_request* answered, void*) { ::shutdown(descriptor_of(answered), SHUT_RDWR); },
        nullptr);
  }
  evhttp_send_reply(raw, response.status, nullptr, nullptr);
}

}  // namespace

/// Shared by the exchange and the server; all but `request` is touched on the loop only.
struct HttpExchange::Pending {
  Loop& loop;
  HttpRequest request;
  evhttp_request* raw = nullptr;           // Null: answered, or the connection is gone.
  HttpConnections* connections = nullptr;  // Lives as long as `raw` is not null.

  void finish(const HttpResponse& response);
};

void HttpExchange::Pending::finish(const HttpResponse& response) {
  if (raw == nullptr) return;
  evhttp_request* answered = std::exchange(raw, nullptr);
  evhttp_connection* connection = evhttp_request_get_connection(answered);
  evhttp_connection_set_closecb(connection, nullptr, nullptr);
  connections->start_clock(evhttp_connection_get_bufferevent(connection));
  send(answered, response);
}

HttpExchange::HttpExchange(std::shared_ptr<Pending> pending) : pending_(std::move(pending)) {}
HttpExchange::HttpExchange(HttpExchange&&) noexcept = default;
HttpExchange& HttpExchange::operator=(HttpExchange&& other) noexcept {
  std::swap(pending_, other.pending_);
  return *this;
}
HttpExchange::~HttpExchange() {
  if (pending_) respond({500, "text/plain; charset=utf-8", "no answer\n"});
}
const HttpRequest& HttpExchange::request() const { return pending_->request; }

void HttpExchange::respond(HttpResponse response) {
  const std::shared_ptr<Pending> pending = std::exchange(pending_, nullptr);
  if (!pending) return;
  if (pending->loop.is_current()) return pending->finish(response);
  pending->loop.post([pending, response = std::move(response)] { pending->finish(response); });
}

struct HttpServer::Impl {
  Impl(Loop& on, Handler answer, HttpLimits limit)
      : loop(on), handler(std::move(answer)), limits(limit) {}

  Result<void> start(const Place& place);
  void accept(Descriptor socket);
  void dispatch(evhttp_request* raw);

  Loop& loop;
  Handler handler;
  HttpLimits limits;
  Endpoint endpoint;
  std::filesystem::path socket_file;
  std::unique_ptr<HttpConnections> connections;
  UniqueHttp http;  // After the connections, which it uses.
};

Result<void> HttpServer::Impl::start(const Place& place) {
  const auto* tcp = std::get_if<Endpoint>(&place);
  auto socket = tcp != nullptr ? listen_tcp(*tcp) : listen_unix(std::get<1>(place));
  if (!socket) return socket.failure();
  if (tcp != nullptr) {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    ::getsockname(socket->get(), reinterpret_cast<sockaddr*>(&storage), &length);
    endpoint = Endpoint::from_sockaddr(storage);
  } else {
    socket_file = std::get<1>(place);
  }
  accept(std::move(*socket));
  return {};
}

void HttpServer::Impl::accept(Descriptor socket) {
  connections = std::make_unique<HttpConnections>(loop.base(), limits);
  http.reset(evhttp_new(loop.base()));
  // evhttp's own answer to too much is a bare 400, so it reads some more than is allowed.
  evhttp_set_max_headers_size(http.get(), static_cast<ev_ssize_t>(4 * limits.header_bytes));
  evhttp_set_max_body_size(http.get(), static_cast<ev_ssize_t>(limits.body_bytes));
  // All that evhttp knows: what is not allowed it would answer 501 by itself.
  evhttp_set_allowed_methods(http.get(), EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
                                             EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                                             EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
                                             EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH);
  evhttp_set_gencb(
      http.get(), [](evhttp_request* raw, void* self) { static_cast<Impl*>(self)->dispatch(raw); },
      this);
  evhttp_set_bevcb(
      http.get(),
      [](event_base*, void* self) { return static_cast<HttpConnections*>(self)->make(); },
      connections.get());
  evconnlistener* listener =
      evconnlistener_new(loop.base(), nullptr, nullptr,
                         LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, socket.release());
  evhttp_bind_listener(http.get(), listener);  // Owns it from now on.
  evconnlistener_set_error_cb(listener, [](evconnlistener*, void* self) {
    static_cast<Impl*>(self)->connections->pause();
  });
  connections->watch(listener);
}

void HttpServer::Impl::dispatch(evhttp_request* raw) {
  if (method_of(raw).empty()) {
    return send(raw, {405,
                      "text/plain; charset=utf-8",
                      "this method means nothing here\n",
                      {{"Allow", "GET, POST"}}});
  }
  if (header_size(raw) > limits.header_bytes) {
    return send(raw, {431, "text/plain; charset=utf-8", "the request's header is too big\n"});
  }
  if (has_two_lengths(raw)) {
    return send(raw, {400, "text/plain; charset=utf-8", "the request's lengths differ\n"});
  }
  evhttp_connection* connection = evhttp_request_get_connection(raw);
  auto pending = std::make_shared<HttpExchange::Pending>(
      HttpExchange::Pending{loop, read_request(raw), raw, connections.get()});
  connections->stop_clock(evhttp_connection_get_bufferevent(connection));
  // The connection ends with the request unanswered only when the server does.
  evhttp_connection_set_closecb(
      connection,
      [](evhttp_connection*, void* context) {
        static_cast<HttpExchange::Pending*>(context)->raw = nullptr;
      },
      pending.get());
  handler(HttpExchange(std::move(pending)));
}

Result<std::unique_ptr<HttpServer>> HttpServer::open(Loop& loop, const Place& place,
                                                     Handler handler, HttpLimits limits) {
  auto impl = std::make_unique<Impl>(loop, std::move(handler), limits);
  Result<void> started;
  run_on_loop(loop, [&] { started = impl->start(place); });
  if (!started) return started.failure();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  run_on_loop(impl_->loop, [this] {
    impl_->http.reset();
    impl_->connections.reset();
  });
  std::error_code ignored;
  if (!impl_->socket_file.empty()) std::filesystem::remove(impl_->socket_file, ignored);
}

Endpoint HttpServer::endpoint() const { return impl_->endpoint; }

HttpServer::Handler at_once(std::function<HttpResponse(const HttpRequest&)> answer) {
  return [answer = std::move(answer)](HttpExchange exchange) {
    exchange.respond(answer(exchange.request()));
  };
}

}  // namespace signet::net
