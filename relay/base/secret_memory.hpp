// Memory for private keys: left out of core dumps, locked in RAM while RLIMIT_MEMLOCK allows, wiped
// when it is given back.
//
// One range of addresses, reserved at start with MADV_DONTDUMP, so that a pointer tells where it
// came from. It is cut into parts, each with a lock of its own, so that threads seldom meet. It
// grows and never shrinks: pieces that come back serve the next of their size.
//
// Without protect_secrets() the same calls work on ordinary memory.
#pragma once

#include <cstddef>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

namespace signet {

/// Reserves the range and raises the soft limit of locked memory to the hard one. Once, before
/// other threads. False: no address space, nothing is protected.
[[nodiscard]] bool protect_secrets();

/// Null when there is no memory left, or for more than 1.5 MiB.
[[nodiscard]] void* allocate_secret(std::size_t size);
/// Wipes what `memory` holds if it is of the range; ordinary memory is for the caller to wipe.
void release_secret(void* memory);
/// Contents move; the old place is wiped. Null: as allocate_secret(), and `memory` stays.
[[nodiscard]] void* resize_secret(void* memory, std::size_t size);
/// Whether it came from the range.
[[nodiscard]] bool is_secret(const void* memory);

struct SecretMemoryUse {
  std::size_t bytes = 0;   ///< Taken from the system.
  std::size_t locked = 0;  ///< Of them, never written to swap.
};
[[nodiscard]] SecretMemoryUse secret_memory_use();

/// While one lives, what OpenSSL allocates on this thread is secret memory. Not across a co_await.
class SecretScope {
 public:
  SecretScope();
  ~SecretScope();
  SecretScope(const SecretScope&) = delete;
  SecretScope& operator=(const SecretScope&) = delete;

  [[nodiscard]] static bool is_open();
};

/// Overwrites `size` octets, whatever the compiler thinks of it.
void wipe(void* memory, std::size_t size);

template <typename T>
struct SecretAllocator {
  using value_type = T;

  SecretAllocator() = default;
  template <typename U>
  explicit(false) SecretAllocator(const SecretAllocator<U>& /*other*/) {}

  [[nodiscard]] T* allocate(std::size_t count) {
    void* memory = allocate_secret(count * sizeof(T));
    if (memory == nullptr) throw std::bad_alloc();
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t count) {
    wipe(memory, count * sizeof(T));
    release_secret(memory);
  }
  friend bool operator==(const SecretAllocator&, const SecretAllocator&) = default;
};

using SecretOctets = std::vector<char, SecretAllocator<char>>;

/// Text of a key or a password.
class SecretText {
 public:
  explicit SecretText(SecretOctets octets) : octets_(std::move(octets)) {}
  explicit SecretText(std::string_view text) : octets_(text.begin(), text.end()) {}
  SecretText(SecretText&&) noexcept = default;
  SecretText& operator=(SecretText&&) = delete;
  ~SecretText() = default;

  [[nodiscard]] std::string_view view() const { return {octets_.data(), octets_.size()}; }

 private:
  SecretOctets octets_;
};

}  // namespace signet
