#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <vector>

#include "relay/net/loop.hpp"

namespace signet::net {

struct BlockingPool::Impl {
  void serve();

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Work> waiting;  // Guarded by mutex, as is:
  bool ending = false;
  std::vector<std::thread> threads;
};

void BlockingPool::Impl::serve() {
  pthread_setname_np(pthread_self(), "blocking");
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [this] { return ending || !waiting.empty(); });
    if (ending) return;
    auto work = std::move(waiting.front());
    waiting.pop_front();
    lock.unlock();
    work();
    work = nullptr;
    lock.lock();
  }
}

BlockingPool::BlockingPool(unsigned threads) : impl_(std::make_unique<Impl>()) {
  for (unsigned i = 0; i < std::max(threads, 1U); ++i) {
    impl_->threads.emplace_back([impl = impl_.get()] { impl->serve(); });
  }
}

BlockingPool::~BlockingPool() {
  std::deque<Work> dropped;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->ending = true;
    dropped.swap(impl_->waiting);
  }
  dropped.clear();
  impl_->changed.notify_all();
  for (auto& thread : impl_->threads) thread.join();
}

void BlockingPool::post(Work work) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->ending) return;
    impl_->waiting.push_back(std::move(work));
  }
  impl_->changed.notify_one();
}

}  // namespace signet::net
