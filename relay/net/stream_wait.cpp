#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>

#include "relay/net/stream_impl.hpp"

namespace signet::net {

Stream::Impl::Impl(Loop& home, int connected) : loop(home), socket(connected) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (getpeername(connected, reinterpret_cast<sockaddr*>(&storage), &length) == 0 &&
      storage.ss_family != AF_UNIX) {
    peer = Endpoint::from_sockaddr(storage);
  }
}

Stream::Impl::~Impl() {
  if (destroyed != nullptr) *destroyed = true;
  for (auto* waiter : waiters) {
    if (waiter != nullptr) waiter->registered_ = false;
  }
  if (watched) {
    event_del(&io);
    event_del(&timer);
  }
}

// Registered at the first wait and never changed: readiness comes as edges of both directions.
bool Stream::Impl::watch() {
  if (watched) return true;
  event_assign(
      &io, loop.base(), socket.get(), EV_READ | EV_WRITE | EV_ET | EV_PERSIST,
      [](int, short what, void* self) { static_cast<Impl*>(self)->on_ready(what); }, this);
  event_assign(
      &timer, loop.base(), -1, 0,
      [](int, short, void* self) { static_cast<Impl*>(self)->on_deadline(); }, this);
  watched = event_add(&io, nullptr) == 0;
  return watched;
}

void Stream::Impl::fire_by(SteadyTime deadline) {
  if (armed && *armed <= deadline) return;
  armed = deadline;
  const auto delay = to_timeval(
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()));
  if (event_add(&timer, &delay) != 0) std::abort();
}

void Stream::Impl::on_ready(short what) {
  bool gone = false;
  destroyed = &gone;
  for (std::size_t side = 0; side < waiters.size(); ++side) {
    auto* waiter = waiters[side];
    if (waiter == nullptr || (waiter->interest_ & what) == 0) continue;
    waiter->resume(true);
    if (gone) return;
  }
  destroyed = nullptr;
}

void Stream::Impl::on_deadline() {
  armed.reset();
  bool gone = false;
  destroyed = &gone;
  for (std::size_t side = 0; side < waiters.size(); ++side) {
    auto* waiter = waiters[side];
    if (waiter == nullptr) continue;
    if (waiter->deadline_ > std::chrono::steady_clock::now()) {
      fire_by(waiter->deadline_);
      continue;
    }
    waiter->resume(false);
    if (gone) return;
  }
  destroyed = nullptr;
}

bool Stream::Impl::Readiness::await_suspend(std::coroutine_handle<> waiter) {
  if (!impl_.watch()) return false;
  auto& place = impl_.waiters[side_];
  if (place != nullptr) std::abort();  // Two readers or two writers.
  place = this;
  registered_ = true;
  waiter_ = waiter;
  impl_.fire_by(deadline_);
  return true;
}

// The coroutine may destroy this waiter and the stream: nothing is touched after it.
void Stream::Impl::Readiness::resume(bool ready) {
  impl_.waiters[side_] = nullptr;
  registered_ = false;
  ready_ = ready;
  waiter_.resume();
}

}  // namespace signet::net
