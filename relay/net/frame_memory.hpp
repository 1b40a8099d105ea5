// FrameMemory: where the frames of coroutines come from.
//
// Frames are larger than what malloc keeps at hand and are made many times for each message, so
// every thread keeps a few of each size. Under a sanitizer each frame is allocated by itself.
#pragma once

#include <cstddef>

namespace signet::net {

class FrameMemory {
 public:
  [[nodiscard]] static void* allocate(std::size_t size);
  /// `size` is the one it was allocated with; any thread.
  static void release(void* frame, std::size_t size) noexcept;
};

}  // namespace signet::net
