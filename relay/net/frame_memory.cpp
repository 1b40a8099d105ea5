#include "relay/net/frame_memory.hpp"

#include <array>
#include <memory>
#include <new>
#include <utility>

namespace signet::net {
namespace {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kKeeps = false;
#else
constexpr bool kKeeps = true;
#endif

constexpr std::size_t kStep = 128;    // Sizes are rounded up to a multiple.
constexpr std::size_t kClasses = 64;  // Up to 8 KiB.
constexpr std::size_t kMostOfEach = 32;

struct Free {
  Free* next;
};

struct Kept {
  struct Class {
    Free* first = nullptr;
    std::size_t count = 0;
  };
  std::array<Class, kClasses> classes;
  bool ended = false;  // The thread is at its end: nothing is kept any more.

  ~Kept() {
    ended = true;
    for (Class& each : classes) {
      while (each.first != nullptr) ::operator delete(std::exchange(each.first, each.first->next));
    }
  }
};

thread_local Kept kept;

}  // namespace

void* FrameMemory::allocate(std::size_t size) {
  const std::size_t index = (size - 1) / kStep;
  if (!kKeeps || index >= kClasses) return ::operator new(size);
  Kept::Class& mine = kept.classes[index];
  if (mine.first == nullptr) return ::operator new((index + 1) * kStep);
  --mine.count;
  return std::exchange(mine.first, mine.first->next);
}

void FrameMemory::release(void* frame, std::size_t size) noexcept {
  const std::size_t index = (size - 1) / kStep;
  if (!kKeeps || index >= kClasses || kept.ended || kept.classes[index].count == kMostOfEach) {
    return ::operator delete(frame);
  }
  Kept::Class& mine = kept.classes[index];
  mine.first = std::construct_at(static_cast<Free*>(frame), Free{mine.first});
  ++mine.count;
}

}  // namespace signet::net
