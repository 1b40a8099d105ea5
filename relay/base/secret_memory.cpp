#include "relay/base/secret_memory.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define SIGNET_LEAK_SANITIZER 1
#endif
#endif

namespace signet {
namespace {

constexpr std::size_t kParts = 16;
constexpr std::size_t kPartSize = 256UL << 20U;  // Address space, not memory.
constexpr std::size_t kRange = kParts * kPartSize;
constexpr std::size_t kGrowth = 64UL << 10U;
constexpr std::size_t kDeepestStack = 32UL << 10U;  // More than a signature takes.

// Sizes are 32, 48, 64, 96, 128, ... octets: at most a third is lost.
constexpr std::size_t kSizes = 32;
constexpr std::size_t size_at(std::size_t index) {
  return (index % 2 == 0 ? 32UL : 48UL) << (index / 2);
}
constexpr std::size_t kMaxSize = size_at(kSizes - 1);

constexpr std::size_t index_of(std::size_t size) {
  if (size <= size_at(0)) return 0;
  const auto width = static_cast<std::size_t>(std::bit_width(size - 1));
  const std::size_t doublings = width - 5;
  return size <= 3UL << (width - 2) ? doublings * 2 - 1 : doublings * 2;
}
static_assert(index_of(33) == 1 && index_of(48) == 1 && index_of(49) == 2 && index_of(65) == 3);
static_assert(index_of(kMaxSize) == kSizes - 1);

// Ahead of each piece.
struct alignas(std::max_align_t) Head {
  std::size_t index;
  Head* next;  // While it is free.
};

class Part {
 public:
  void place(std::byte* begin) { begin_ = top_ = ready_ = begin; }

  void* allocate(std::size_t index) {
    const std::lock_guard lock(mutex_);
    Head*& free = free_.at(index);
    if (Head* const head = free; head != nullptr) {
      free = head->next;
      return head + 1;
    }
    const std::size_t size = sizeof(Head) + size_at(index);
    if (size > static_cast<std::size_t>(ready_ - top_) && !grow(size)) return nullptr;
    auto* head = std::construct_at(reinterpret_cast<Head*>(top_), Head{index, nullptr});
    top_ += size;
    return head + 1;
  }

  // `head` was wiped.
  void release(Head* head) {
    const std::lock_guard lock(mutex_);
    head->next = std::exchange(free_.at(head->index), head);
  }

  void add_use(SecretMemoryUse& use) {
    const std::lock_guard lock(mutex_);
    use.bytes += static_cast<std::size_t>(ready_ - begin_);
    use.locked += locked_;
  }

 private:
  bool grow(std::size_t size) {
    const std::size_t more = (size + kGrowth - 1) / kGrowth * kGrowth;
    if (more > kPartSize - static_cast<std::size_t>(ready_ - begin_)) return false;
    if (mprotect(ready_, more, PROT_READ | PROT_WRITE) != 0) return false;
    // Not mlock(): that of the sanitizers does nothing.
    if (syscall(SYS_mlock, ready_, more) == 0) locked_ += more;
    ready_ += more;
    return true;
  }

  alignas(64) std::mutex mutex_;
  std::array<Head*, kSizes> free_{};
  std::byte* begin_ = nullptr;
  std::byte* top_ = nullptr;
  std::byte* ready_ = nullptr;
  std::size_t locked_ = 0;
};

// OpenSSL gives memory back until the very end of the program, through functions to which it passes
// nothing of ours: so this is global, and nothing destroys it.
constinit std::byte* range = nullptr;
constinit std::array<Part, kParts> parts;
constinit std::atomic<unsigned> threads = 0;
constinit thread_local unsigned open_scopes = 0;

Part& part_of_this_thread() {
  thread_local const unsigned number = threads.fetch_add(1, std::memory_order_relaxed);
  return parts.at(number % kParts);
}

Part& part_of(const void* memory) {
  const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(memory) - range);
  return parts.at(offset / kPartSize);
}

// The exponents of RSA stay in vector registers, which the next function bound by the dynamic
// linker and each signal write to the stack. On other processors than x86-64 they stay there.
void clear_vector_registers() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f")) {
    asm volatile(
        ".irp number,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
        "vpxord %zmm\\number, %zmm\\number, %zmm\\number\n"
        ".endr");
  }
  if (__builtin_cpu_supports("avx")) {
    asm volatile("vzeroall" ::
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  }
#endif
}

// OpenSSL's frames leave pieces of numbers, too.
[[gnu::noinline, clang::no_sanitize("address")]] void wipe_dead_stack() {
  std::byte dead[kDeepestStack];
  wipe(dead, sizeof dead);
}

Head* head_of(void* memory) { return static_cast<Head*>(memory) - 1; }

void raise_lock_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_MEMLOCK, &limit);
}

}  // namespace

bool protect_secrets() {
  void* const reserved =
      mmap(nullptr, kRange, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return false;
  if (madvise(reserved, kRange, MADV_DONTDUMP) != 0) {
    munmap(reserved, kRange);
    return false;
  }
  raise_lock_limit();
#ifdef SIGNET_LEAK_SANITIZER
  __lsan_register_root_region(reserved, kRange);  // What a key points to is no leak.
#endif
  range = static_cast<std::byte*>(reserved);
  for (std::size_t i = 0; i < kParts; ++i) parts.at(i).place(range + i * kPartSize);
  return true;
}

bool is_secret(const void* memory) {
  const auto* at = static_cast<const std::byte*>(memory);
  return range != nullptr && !std::less<>()(at, range) && std::less<>()(at, range + kRange);
}

void* allocate_secret(std::size_t size) {
  if (range == nullptr) return std::malloc(size);
  return size > kMaxSize ? nullptr : part_of_this_thread().allocate(index_of(size));
}

void release_secret(void* memory) {
  if (!is_secret(memory)) return std::free(memory);
  Head* const head = head_of(memory);
  wipe(memory, size_at(head->index));
  part_of(memory).release(head);
}

void* resize_secret(void* memory, std::size_t size) {
  if (memory == nullptr) return allocate_secret(size);
  if (!is_secret(memory)) return std::realloc(memory, size);
  const std::size_t room = size_at(head_of(memory)->index);
  if (size <= room) return memory;
  void* const moved = allocate_secret(size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, memory, room);
  release_secret(memory);
  return moved;
}

SecretMemoryUse secret_memory_use() {
  SecretMemoryUse use;
  if (range == nullptr) return use;
  for (Part& part : parts) part.add_use(use);
  return use;
}

SecretScope::SecretScope() { ++open_scopes; }
SecretScope::~SecretScope() {
  if (--open_scopes != 0 || range == nullptr) return;
  clear_vector_registers();
  wipe_dead_stack();
}
bool SecretScope::is_open() { return open_scopes != 0; }

void wipe(void* memory, std::size_t size) { explicit_bzero(memory, size); }

}  // namespace signet
