// Listener: accepts connections and hands each to the loop with the fewest.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <utility>
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

/// Lowers a worker's count when it dies: the handler keeps one for as long as the connection lives.
class ConnectionSlot {
 public:
  ConnectionSlot() = default;
  explicit ConnectionSlot(const Worker& worker) : connections_(worker.connections) {}
  ConnectionSlot(ConnectionSlot&&) noexcept = default;
  ConnectionSlot& operator=(ConnectionSlot&& other) noexcept {
    connections_.swap(other.connections_);
    return *this;
  }
  ~ConnectionSlot() {
    if (connections_) connections_->fetch_sub(1, std::memory_order_relaxed);
  }
  void release() { connections_.reset(); }  ///< Leaves the count as it is.

 private:
  std::shared_ptr<std::atomic<int>> connections_;
};

/// Sockets handed over by systemd (sd_listen_fds(3)): taken once at start, before threads run,
/// since it clears the LISTEN_ variables for our children.
class InheritedSockets {
 public:
  InheritedSockets();
  ~InheritedSockets();  ///< Closes those nobody took.
  InheritedSockets(const InheritedSockets&) = delete;
  InheritedSockets& operator=(const InheritedSockets&) = delete;
  /// The listening descriptor bound to `endpoint`, or -1. Port 0 matches nothing.
  [[nodiscard]] int take(const Endpoint& endpoint);
  /// The same for a Unix socket.
  [[nodiscard]] int take(const std::filesystem::path& socket);
  /// The addresses of those nobody took: connections to them would wait for ever.
  [[nodiscard]] std::vector<std::string> left() const;

 private:
  [[nodiscard]] int take_if(const std::function<bool(int)>& is_it);

  std::vector<int> descriptors_;
};

class Listener {
 public:
  /// Runs on the chosen worker's loop. The count in `worker` is already raised; the handler lowers
  /// it when the connection ends (`ConnectionSlot`).
  /// It is called from all workers, at once.
  using Handler = std::function<void(Stream stream, const Worker& worker)>;

  /// Binds (or takes from `inherited`), listens, and accepts on `loop`; called on it, or before it
  /// runs. Fault: configuration, with a text that says what to do.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> open(Loop& loop, const Endpoint& endpoint,
                                                              InheritedSockets* inherited,
                                                              std::vector<Worker> workers,
                                                              Handler handler);
  /// The same at a Unix socket, whose file gets `mode`. A file left behind by a dead process is
  /// replaced; ours goes with the listener.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> open(
      Loop& loop, const std::filesystem::path& socket, unsigned mode, InheritedSockets* inherited,
      std::vector<Worker> workers, Handler handler);
  ~Listener();  ///< On `loop`: stops accepting and closes.
  /// Stops accepting, keeps the socket (a systemd socket goes on queueing).
  void pause();
  void resume();
  [[nodiscard]] Endpoint endpoint() const;  ///< With the real port; nothing for a Unix socket.
  /// Called on `loop` for each connection closed at once because descriptors ran out.
  void on_turned_away(std::function<void()> told);
  /// How many those were. From any thread.
  [[nodiscard]] std::uint64_t turned_away() const;

 private:
  struct Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace signet::net
