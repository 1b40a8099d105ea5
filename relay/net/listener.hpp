// Listener: accepts connections and hands each to the loop with the fewest.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "relay/base/ip_address.hpp"
#include "relay/base/result.hpp"
#include "relay/net/loop.hpp"
#include "relay/net/stream.hpp"

namespace signet::net {

/// A loop and how many connections live on it.
struct Worker {
  Loop* loop = nullptr;
  std::shared_ptr<std::atomic<int>> connections = std::make_shared<std::atomic<int>>(
      0);  ///< Shared: read by the acceptor, changed by the loop.
};

/// Sockets handed over by systemd (sd_listen_fds(3)): taken once at start.
class InheritedSockets {
 public:
  InheritedSockets();
  ~InheritedSockets();  ///< Closes those nobody took.
  /// The listening descriptor bound to `endpoint`, or -1. Port 0 matches nothing.
  [[nodiscard]] int take(const Endpoint& endpoint);

 private:
  std::vector<int> descriptors_;
};

class Listener {
 public:
  /// Runs on the chosen worker's loop. The count in `worker` is already raised; the handler lowers
  /// it when the connection ends (`ConnectionSlot`).
  using Handler = std::function<void(Stream stream, const Worker& worker)>;

  /// Binds (or takes from `inherited`), listens, and accepts on `loop`. Fault: configuration.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> open(Loop& loop, const Endpoint& endpoint,
                                                              InheritedSockets* inherited,
                                                              std::vector<Worker> workers,
                                                              Handler handler);
  ~Listener();  ///< On `loop`: stops accepting and closes.
  /// Stops accepting, keeps the socket (a systemd socket goes on queueing).
  void pause();
  void resume();
  [[nodiscard]] Endpoint endpoint() const;  ///< With the real port.

 private:
  struct Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace signet::net
