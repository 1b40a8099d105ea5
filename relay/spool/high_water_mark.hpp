// The last sequence number known to be durable, kept apart from RocksDB.
//
// RocksDB's recovery ends silently at the first damaged WAL record; comparing what it recovered
// with this mark shows the loss. Two sectors are written in turn, so that a torn write leaves the
// other. set() survives the end of the process; after a power cut the mark is as old as the last
// sync().
//
//   sector  = magic sequence checksum, each u64, big-endian; at 0 and at 512
#pragma once

#include <cstdint>
#include <filesystem>

#include "relay/base/result.hpp"
#include "relay/spool/posix_file.hpp"

namespace signet::spool {

class HighWaterMark {
 public:
  /// A new mark of 0. Fault: spool_failed.
  [[nodiscard]] static Result<HighWaterMark> create(const std::filesystem::path& path);
  /// Faults: not_found, spool_failed (unreadable).
  [[nodiscard]] static Result<HighWaterMark> open(const std::filesystem::path& path);

  [[nodiscard]] std::uint64_t sequence() const { return sequence_; }
  /// Fault: spool_failed.
  [[nodiscard]] Result<void> set(std::uint64_t sequence);
  [[nodiscard]] Result<void> sync();
  [[nodiscard]] bool needs_sync() const { return unsynced_; }

 private:
  explicit HighWaterMark(Descriptor file) : file_(std::move(file)) {}

  Descriptor file_;
  std::uint64_t sequence_ = 0;
  bool second_ = false;  ///< Which sector is written next.
  bool unsynced_ = false;
};

}  // namespace signet::spool
