// The few small files the spool keeps beside RocksDB: owned descriptors and durable replacement.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "relay/base/result.hpp"

namespace signet::spool {

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// open(2) with O_CLOEXEC and mode 0600. Faults, of all here: spool_failed, and disk_short where
/// there is no room.
[[nodiscard]] Result<Descriptor> open_file(const std::filesystem::path& path, int flags);
/// The whole file. Faults: not_found, spool_failed.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);
/// Writes all octets at `offset`. Fault: spool_failed.
[[nodiscard]] Result<void> write_at(const Descriptor& file, std::string_view octets,
                                    std::uint64_t offset);
/// Replaces `path` so that after a crash it is the old or the new one. Fault: spool_failed.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& path,
                                        std::string_view content);
/// Makes names created in or removed from `directory` durable. Fault: spool_failed.
[[nodiscard]] Result<void> sync_directory(const std::filesystem::path& directory);

}  // namespace signet::spool
