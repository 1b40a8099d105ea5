#include "relay/net/http_connections.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdlib>

namespace signet::net {
namespace {

constexpr std::chrono::milliseconds kPause{20};
// RFC 9110 15.5.9. By hand: to evhttp a request that is not whole yet is none to be answered.
constexpr std::string_view kLate =
    "HTTP/1.1 408 Request Timeout\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 50\r\n"
    "Connection: close\r\n\r\n"
    "the request took too long to come: nothing is done";

// By fstatat, which asks the kernel of whatever the number names now: a descriptor that evhttp
// closed may be another thread's by then, and fstat would claim to use that one.
unsigned long inode_of(int descriptor) {
  struct stat facts{};
  return ::fstatat(descriptor, "", &facts, AT_EMPTY_PATH) == 0 ? facts.st_ino : 0;
}

}  // namespace

bool HttpConnections::Connection::is_open() const { return inode_of(descriptor) == inode; }

void HttpConnections::Connection::cut() {
  is_cut = true;
  if (is_open()) ::shutdown(descriptor, SHUT_RDWR);
}

void HttpConnections::Connection::end_late() {
  if (!has_request && !is_cut && is_open())
    static_cast<void>(::send(descriptor, kLate.data(), kLate.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
  cut();
}

HttpConnections::HttpConnections(event_base* base, HttpLimits limits)
    : base_(base), limits_(limits) {
  adopt_.reset(event_new(
      base, -1, 0, [](int, short, void* self) { static_cast<HttpConnections*>(self)->adopt(); },
      this));
  resume_.reset(event_new(
      base, -1, 0, [](int, short, void* self) { static_cast<HttpConnections*>(self)->resume(); },
      this));
  if (!adopt_ || !resume_) std::abort();
}

void HttpConnections::watch(evconnlistener* listener) { listener_ = listener; }

bufferevent* HttpConnections::make() {
  bufferevent* connection = bufferevent_socket_new(base_, -1, BEV_OPT_CLOSE_ON_FREE);
  fresh_.push_back(connection);
  // Runs when evhttp has given it its descriptor, and before it can be read.
  event_active(adopt_.get(), EV_TIMEOUT, 0);
  if (are_too_many()) forget_ended();
  if (are_too_many()) make_room();
  return connection;
}

bool HttpConnections::are_too_many() const {
  return open_.size() + fresh_.size() > static_cast<std::size_t>(limits_.connections);
}

void HttpConnections::make_room() {
  Connection* oldest = nullptr;
  for (auto& [descriptor, connection] : open_) {
    const bool waits = !connection.has_request && !connection.is_cut && connection.is_open();
    if (waits && (oldest == nullptr || connection.number < oldest->number)) oldest = &connection;
  }
  if (oldest != nullptr) oldest->cut();
  if (oldest == nullptr) pause();
}

void HttpConnections::adopt() {
  for (bufferevent* connection : fresh_) {
    const int descriptor = bufferevent_getfd(connection);
    Connection& mine = open_[descriptor];  // An ended one's, where the number is used again.
    mine.descriptor = descriptor;
    mine.inode = inode_of(descriptor);
    mine.number = ++made_;
    mine.has_request = false;
    mine.is_cut = false;
    mine.clock.reset(event_new(
        base_, -1, 0, [](int, short, void* self) { static_cast<Connection*>(self)->end_late(); },
        &mine));
    start_clock(connection);
  }
  fresh_.clear();
}

void HttpConnections::start_clock(bufferevent* connection) {
  const timeval time = to_timeval(limits_.time);
  event_add(open_.at(bufferevent_getfd(connection)).clock.get(), &time);
}

void HttpConnections::stop_clock(bufferevent* connection) {
  Connection& mine = open_.at(bufferevent_getfd(connection));
  mine.has_request = true;
  event_del(mine.clock.get());
}

void HttpConnections::pause() {
  const timeval time = to_timeval(kPause);
  evconnlistener_disable(listener_);
  event_add(resume_.get(), &time);
}

void HttpConnections::forget_ended() {
  std::erase_if(open_, [](const auto& entry) { return !entry.second.is_open(); });
}

void HttpConnections::resume() {
  forget_ended();
  if (are_too_many()) make_room();
  if (are_too_many()) return pause();
  evconnlistener_enable(listener_);
}

}  // namespace signet::net
