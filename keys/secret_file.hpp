// Files of the store, opened under one rule and read into secret memory.
//
// The path is resolved beneath the store (openat2, RESOLVE_BENEATH): the links of a mounted secret
// work, none leads out of it. The rule is checked on the descriptor. Opening never waits: a FIFO is
// refused like anything else that is no regular file.
#pragma once

#include <filesystem>
#include <utility>

#include "relay/base/result.hpp"
#include "relay/base/secret_memory.hpp"

struct stat;

namespace signet::keys {

inline constexpr std::size_t kMaxStoreFile = 64UL * 1024;

enum class FileRule {
  secret,        ///< Nothing for others, nothing for the group.
  group_secret,  ///< Nothing for others, the group may read.
  settings,      ///< Others may read, nobody but the owner may write.
  foreign,       ///< Another program's, to be imported: whoever owns it and may read it.
};

/// What an open descriptor is: closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor();
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// Opens `relative` beneath `root`. Faults: not_found (no such name), key_unavailable.
[[nodiscard]] Result<Descriptor> open_beneath(const std::filesystem::path& root,
                                              const std::filesystem::path& relative, int flags);

/// Reads a whole file of at most kMaxStoreFile octets that obeys `rule` and, unless foreign,
/// belongs to us, root or, where we are root, to whoever owns `root`: commands of an administrator
/// work on the relay's store. Faults: not_found, key_unavailable (the detail says which part of the
/// rule it breaks). `found`: what was read, if asked for.
[[nodiscard]] Result<SecretText> read_file(const std::filesystem::path& root,
                                           const std::filesystem::path& relative, FileRule rule,
                                           struct stat* found = nullptr);
/// The same of one file that is nobody else's but perhaps a group's: a password or a token.
[[nodiscard]] Result<SecretText> read_group_secret(const std::filesystem::path& file);

}  // namespace signet::keys
