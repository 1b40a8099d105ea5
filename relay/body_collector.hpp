// Collects a message body on its way to the spool: small ones whole, large ones chunk by chunk.
//
// Memory is taken from the one budget of all sessions; chunks of a message that is never stored are
// dropped again.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "relay/net/loop.hpp"
#include "relay/services.hpp"

namespace signet {

class BodyCollector {
 public:
  BodyCollector(Services& services, net::Loop& loop, QueueId id, std::uint64_t memory_limit)
      : services_(services), loop_(loop), id_(id), memory_limit_(memory_limit) {}
  BodyCollector(const BodyCollector&) = delete;
  BodyCollector& operator=(const BodyCollector&) = delete;
  ~BodyCollector();

  /// Faults: memory_short, spool_failed, disk_short.
  [[nodiscard]] net::Task<Result<void>> add(std::string_view slice);
  /// Writes what is left of a chunked body.
  [[nodiscard]] net::Task<Result<void>> finish();
  /// The inline body; null when it went out in chunks.
  [[nodiscard]] std::shared_ptr<const std::string> take_inline();

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint32_t chunks() const { return chunks_; }
  /// The message was stored: its chunks stay.
  void keep() { kept_ = true; }

 private:
  net::Task<Result<void>> flush(std::size_t octets);
  void return_memory(std::size_t octets);

  Services& services_;
  net::Loop& loop_;
  QueueId id_;
  std::uint64_t memory_limit_;
  std::string bytes_;
  std::uint64_t held_memory_ = 0;
  std::uint64_t size_ = 0;
  std::uint32_t chunks_ = 0;
  bool kept_ = false;
};

}  // namespace signet
