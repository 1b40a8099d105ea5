// What is behind a Stream: descriptor, TLS state, the event, and who waits for it.
//
// For the stream*.cpp files only.
#pragma once

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "relay/base/clock.hpp"
#include "relay/net/descriptor.hpp"
#include "relay/net/libevent.hpp"
#include "relay/net/stream.hpp"
#include "relay/net/tls_impl.hpp"

namespace signet::net {

[[nodiscard]] inline SteadyTime deadline_in(Timeout timeout) {
  return std::chrono::steady_clock::now() +
         std::min<Timeout>(timeout, std::chrono::hours(24 * 365));
}

/// What one attempt at a system call, or at a TLS call, came to.
struct Attempt {
  enum class Outcome : std::uint8_t { done, wants_read, wants_write, failed };
  Outcome outcome = Outcome::done;
  std::size_t count = 0;    ///< Octets moved, when done.
  std::string detail = {};  ///< When failed.
  bool ended = false;       ///< Failed because the connection is no more.
};

struct Stream::Impl {
  enum class Side : std::uint8_t { reader, writer };
  class Readiness;

  Impl(Loop& home, int connected);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  // The operations; `impl` outlives the task or the task is destroyed without being resumed.
  [[nodiscard]] static Task<Result<void>> finish_connect(Impl& impl, Timeout timeout);
  [[nodiscard]] static Task<Result<std::size_t>> read(Impl& impl, std::span<char> into,
                                                      Timeout timeout);
  [[nodiscard]] static Task<Result<void>> write(Impl& impl, std::string_view bytes,
                                                Timeout timeout);
  /// Drives the handshake that `ssl` was prepared for, then fills `facts`.
  [[nodiscard]] static Task<Result<void>> handshake(Impl& impl, Timeout timeout);

  [[nodiscard]] Attempt try_read(std::span<char> into);
  [[nodiscard]] Attempt try_write(std::string_view bytes);
  [[nodiscard]] Attempt try_tls_read(std::span<char> into);
  [[nodiscard]] Attempt try_tls_write(std::string_view bytes);
  [[nodiscard]] Attempt tls_attempt(int result, std::size_t count);
  [[nodiscard]] bool tls_would_read();
  void close_tls();

  // Waiting.
  [[nodiscard]] bool watch();
  void fire_by(SteadyTime deadline);
  void on_ready(short what);
  void on_deadline();

  Loop& loop;
  Descriptor socket;
  Endpoint peer;
  UniqueSsl ssl;
  bool tls_broken = false;  ///< OpenSSL forbids a close_notify after a fatal error.
  std::optional<TlsFacts> facts;

  event io{};
  event timer{};
  bool watched = false;
  /// When `timer` fires. It may be earlier than any waiter needs, so that most waits set no timer.
  std::optional<SteadyTime> armed;
  std::array<Readiness*, 2> waiters{};
  bool* destroyed = nullptr;  ///< Tells the callback that is resuming somebody.
};

/// Waits until the socket is worth another try: `co_await` gives false at the deadline.
class Stream::Impl::Readiness {
 public:
  Readiness(Impl& impl, Side side, Attempt::Outcome wants, SteadyTime deadline)
      : impl_(impl),
        side_(static_cast<std::size_t>(side)),
        interest_(wants == Attempt::Outcome::wants_write ? EV_WRITE : EV_READ),
        deadline_(deadline) {}
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;
  ~Readiness() {
    if (registered_) impl_.waiters[side_] = nullptr;
  }
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  [[nodiscard]] bool await_suspend(std::coroutine_handle<> waiter);
  [[nodiscard]] bool await_resume() const noexcept { return ready_; }

 private:
  friend struct Stream::Impl;
  void resume(bool ready);

  Impl& impl_;  // Not touched unless registered: the Impl unregisters us when it dies first.
  std::size_t side_;
  short interest_;
  SteadyTime deadline_;
  std::coroutine_handle<> waiter_;
  bool registered_ = false;
  bool ready_ = false;
};

}  // namespace signet::net
