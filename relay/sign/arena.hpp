// The memory of one message inside libopendkim: what the library forgets is freed with the arena.
//
// Small pieces are cut from one block and come back with it; only what does not fit is allocated
// by itself, and freed when the library says so, so that a long body does not pile up memory.
#pragma once

#include <cstddef>
#include <memory>

namespace signet::sign {

class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// For dkim_init(); `arena` is the closure given to dkim_sign().
  static void* allocate(void* arena, std::size_t size);
  static void release(void* arena, void* memory);

 private:
  static constexpr std::size_t kBlock = 24UL << 10U;  // A usual message needs about 20 KiB.

  // Ahead of each piece of its own: its place in the list of those still in use.
  struct alignas(std::max_align_t) Link {
    Link* next = nullptr;
    Link* previous = nullptr;
  };

  [[nodiscard]] void* cut(std::size_t size);
  [[nodiscard]] bool is_cut(const void* memory) const;

  std::unique_ptr<std::byte[]> block_;
  std::size_t used_ = 0;
  Link* first_ = nullptr;
};

}  // namespace signet::sign
