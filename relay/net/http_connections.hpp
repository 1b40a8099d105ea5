// The accepted connections of an HTTP server: how many there are, and until when each may last.
//
// Who says nothing can't keep others out: at the limit the one goes that has waited longest without
// a request. evhttp bounds each read and write, but neither a request as a whole nor the number of
// connections, and does not say when one ends. So each is known by its descriptor and the inode
// behind it: while both agree, it lives.
#pragma once

#include <event2/bufferevent.h>
#include <event2/listener.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "relay/net/http_server.hpp"
#include "relay/net/libevent.hpp"

namespace signet::net {

class HttpConnections {
 public:
  HttpConnections(event_base* base, HttpLimits limits);

  /// Accepts from now on as many as may be.
  void watch(evconnlistener* listener);
  /// A new connection's bufferevent, for evhttp_set_bevcb().
  [[nodiscard]] bufferevent* make();
  /// Grants a connection the time of one request or response from now on.
  void start_clock(bufferevent* connection);
  /// While a handler has the request.
  void stop_clock(bufferevent* connection);
  /// Stops accepting for a moment: at the limit, or when no descriptor is left.
  void pause();

 private:
  struct Connection {
    int descriptor = -1;
    unsigned long inode = 0;
    std::uint64_t number = 0;  ///< In the order they came.
    bool has_request = false;  ///< A whole one came in.
    bool is_cut = false;
    internal::UniqueEvent clock;
    [[nodiscard]] bool is_open() const;
    /// evhttp sees the end of the stream and forgets the connection.
    void cut();
    /// The time is over: who has not sent a whole request is told so.
    void end_late();
  };

  void adopt();
  void forget_ended();
  [[nodiscard]] bool are_too_many() const;
  void make_room();
  void resume();

  event_base* base_;
  HttpLimits limits_;
  evconnlistener* listener_ = nullptr;
  internal::UniqueEvent adopt_;
  internal::UniqueEvent resume_;
  std::vector<bufferevent*> fresh_;  ///< Made in this turn of the loop: no descriptor yet.
  std::unordered_map<int, Connection> open_;
  std::uint64_t made_ = 0;
};

}  // namespace signet::net
