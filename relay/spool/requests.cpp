#include "relay/spool/requests.hpp"

namespace signet::spool {

std::size_t Request::bytes() const {
  if (const auto* chunk = std::get_if<PutChunk>(&what)) return chunk->bytes.size();
  if (const auto* update = std::get_if<UpdateState>(&what)) return update->state.size();
  const auto* store = std::get_if<StoreMessage>(&what);
  if (store == nullptr) return 0;
  return store->record.size() + store->state.size() + (store->body ? store->body->size() : 0);
}

}  // namespace signet::spool
