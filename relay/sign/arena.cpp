#include "relay/sign/arena.hpp"

#include <cstdlib>
#include <memory>

namespace signet::sign {

Arena::~Arena() {
  while (first_ != nullptr) {
    Link* link = first_;
    first_ = link->next;
    std::free(link);
  }
}

void* Arena::allocate(void* arena, std::size_t size) {
  auto& self = *static_cast<Arena*>(arena);
  void* memory = std::malloc(sizeof(Link) + size);
  if (memory == nullptr) return nullptr;
  auto* link = std::construct_at(static_cast<Link*>(memory), Link{self.first_, nullptr});
  if (self.first_ != nullptr) self.first_->previous = link;
  self.first_ = link;
  return link + 1;
}

void Arena::release(void* arena, void* memory) {
  if (memory == nullptr) return;
  auto& self = *static_cast<Arena*>(arena);
  Link* link = static_cast<Link*>(memory) - 1;
  if (link->previous != nullptr)
    link->previous->next = link->next;
  else
    self.first_ = link->next;
  if (link->next != nullptr) link->next->previous = link->previous;
  std::free(link);
}

}  // namespace signet::sign
