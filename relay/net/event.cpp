#include <cstdlib>

#include "relay/net/libevent.hpp"
#include "relay/net/loop.hpp"

namespace signet::net {

struct Event::Impl {
  void notify_one();

  Loop& loop;
  std::list<Wait*> waiting = {};
  std::list<Wait*> notified = {};  // Resumed on the next turn, if they live that long.
};

Event::Event(Loop& loop) : impl_(std::make_unique<Impl>(Impl{loop})) {}

Event::~Event() {
  for (auto* list : {&impl_->waiting, &impl_->notified}) {
    for (auto* wait : *list) {
      wait->event_ = nullptr;
      wait->queued_ = false;
    }
  }
}

void Event::notify_one() { impl_->notify_one(); }

void Event::Impl::notify_one() {
  if (waiting.empty()) return;
  auto* wait = waiting.front();
  notified.splice(notified.end(), waiting, wait->place_);
  wait->notified_ = true;
  wait->passes_on_ = true;
  event_active(wait->timer_.get(), EV_TIMEOUT, 0);
}

void Event::notify_all() {
  for (auto* wait : impl_->waiting) {
    wait->notified_ = true;
    event_active(wait->timer_.get(), EV_TIMEOUT, 0);
  }
  impl_->notified.splice(impl_->notified.end(), impl_->waiting);
}

Event::Wait::~Wait() {
  const bool was_queued = queued_;
  leave();
  if (was_queued && passes_on_) event_->notify_one();
}

Event::Wait Event::wait(std::chrono::milliseconds timeout) { return {*this, timeout}; }

void Event::Wait::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  timer_.reset(event_new(
      event_->loop.base(), -1, 0,
      [](int, short, void* self) {
        auto* wait = static_cast<Wait*>(self);
        wait->leave();
        wait->waiter_.resume();
      },
      this));
  const auto limit = to_timeval(timeout_);
  if (!timer_ || event_add(timer_.get(), &limit) != 0) std::abort();
  place_ = event_->waiting.insert(event_->waiting.end(), this);
  queued_ = true;
}

void Event::Wait::leave() {
  if (!queued_) return;
  (notified_ ? event_->notified : event_->waiting).erase(place_);
  queued_ = false;
}

}  // namespace signet::net
