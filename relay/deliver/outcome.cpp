#include "relay/deliver/outcome.hpp"

namespace signet::deliver {

RecipientOutcome outcome_of(const smtp::Reply& reply) {
  if (reply.is_permanent()) {
    return {RecipientResult::failed, reply.to_string(), Fault::peer_permanent};
  }
  const bool delivered = reply.code >= 200 && reply.code < 300;
  return {delivered ? RecipientResult::delivered : RecipientResult::deferred, reply.to_string(),
          Fault::peer_temporary};
}

RecipientOutcome outcome_of(Fault fault, std::string_view where) {
  const FaultRow& facts = row(fault);
  std::string words = std::to_string(facts.code);
  words.append(" ").append(facts.enhanced).append(" ").append(facts.text);
  words.append(" (").append(where).append(")");
  return {is_transient(fault) ? RecipientResult::deferred : RecipientResult::failed,
          std::move(words), fault};
}

}  // namespace signet::deliver
