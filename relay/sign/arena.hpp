// The memory of one message inside libopendkim: what the library forgets is freed with the arena.
#pragma once

#include <cstddef>

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
  // Ahead of each block: its place in the list of those still in use.
  struct alignas(std::max_align_t) Link {
    Link* next = nullptr;
    Link* previous = nullptr;
  };
  Link* first_ = nullptr;
};

}  // namespace signet::sign
