#include "relay/sign/arena.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>

namespace signet::sign {

Arena::~Arena() {
  while (first_ != nullptr) {
    Link* link = first_;
    first_ = link->next;
    std::free(link);
  }
}

void* Arena::cut(std::size_t size) {
  if (!block_) block_ = std::make_unique_for_overwrite<std::byte[]>(kBlock);
  if (size > kBlock - used_) return nullptr;
  void* memory = block_.get() + used_;
  constexpr std::size_t kAlign = alignof(std::max_align_t);
  used_ = std::min(kBlock, (used_ + size + kAlign - 1) / kAlign * kAlign);
  return memory;
}

bool Arena::is_cut(const void* memory) const {
  const auto* at = static_cast<const std::byte*>(memory);
  return block_ && !std::less<>()(at, block_.get()) && std::less<>()(at, block_.get() + kBlock);
}

void* Arena::allocate(void* arena, std::size_t size) {
  auto& self = *static_cast<Arena*>(arena);
  if (void* memory = self.cut(size)) return memory;
  void* memory = std::malloc(sizeof(Link) + size);
  if (memory == nullptr) return nullptr;
  auto* link = std::construct_at(static_cast<Link*>(memory), Link{self.first_, nullptr});
  if (self.first_ != nullptr) self.first_->previous = link;
  self.first_ = link;
  return link + 1;
}

void Arena::release(void* arena, void* memory) {
  auto& self = *static_cast<Arena*>(arena);
  if (memory == nullptr || self.is_cut(memory)) return;
  Link* link = static_cast<Link*>(memory) - 1;
  if (link->previous != nullptr)
    link->previous->next = link->next;
  else
    self.first_ = link->next;
  if (link->next != nullptr) link->next->previous = link->previous;
  std::free(link);
}

}  // namespace signet::sign
