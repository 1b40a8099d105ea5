#include "relay/body_collector.hpp"

#include <algorithm>

namespace signet {

BodyCollector::~BodyCollector() {
  services_.memory.give_back(held_memory_);
  if (chunks_ > 0 && !kept_) services_.spool.drop_chunks(id_, chunks_);
}

net::Task<Result<void>> BodyCollector::add(std::string_view slice) {
  if (!services_.memory.take(slice.size(), memory_limit_)) {
    services_.metrics.limit_hit("session_memory");
    co_return fail(Fault::memory_short, "session memory budget is used up");
  }
  held_memory_ += slice.size();
  size_ += slice.size();
  bytes_.append(slice);
  while (size_ > spool::kInlineBody && bytes_.size() >= spool::kChunk) {
    auto flushed = co_await flush(spool::kChunk);
    if (!flushed) co_return flushed;
  }
  co_return Result<void>{};
}

net::Task<Result<void>> BodyCollector::finish() {
  if (chunks_ == 0 || bytes_.empty()) co_return Result<void>{};
  auto flushed = co_await flush(bytes_.size());
  co_return flushed;
}

net::Task<Result<void>> BodyCollector::flush(std::size_t octets) {
  std::string chunk = bytes_.substr(0, octets);
  bytes_.erase(0, octets);
  const std::uint32_t index = chunks_++;
  auto written = co_await net::completion<Result<void>>(
      loop_, [&, chunk = std::move(chunk)](auto done) mutable {
        services_.spool.put_chunk(id_, index, std::move(chunk), loop_, std::move(done));
      });
  return_memory(octets);
  co_return written;
}

std::shared_ptr<const std::string> BodyCollector::take_inline() {
  if (chunks_ > 0) return nullptr;
  return std::make_shared<const std::string>(std::move(bytes_));
}

void BodyCollector::return_memory(std::size_t octets) {
  services_.memory.give_back(octets);
  held_memory_ -= octets;
}

}  // namespace signet
