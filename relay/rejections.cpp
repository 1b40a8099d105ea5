#include "relay/rejections.hpp"

namespace signet {

void Rejections::note(std::string_view command, const accept::SessionFacts& facts,
                      std::string_view sender, const Error& error) {
  const auto left_out = take_turn();
  if (!left_out) return;
  const auto* client =
      facts.settings ? authorise::find_client(*facts.settings, facts.peer) : nullptr;
  log_.write(report::Fact("rejected", clock_.now())
                 .with("command", command)
                 .with("client", client == nullptr ? "" : client->name)
                 .with("peer", facts.peer.address.to_string())
                 .with("listener", facts.listener)
                 .with("sender", sender)
                 .with("cause", row(error.fault).name)
                 .with("detail", error.detail)
                 .with("left_out", *left_out));
}

std::optional<std::int64_t> Rejections::take_turn() {
  const std::lock_guard lock(mutex_);
  // A log that is behind refuses mail itself: telling that would keep it behind.
  if (log_.is_behind() || !rate_.take(clock_.steady(), kMostPerSecond)) {
    ++left_out_;
    return std::nullopt;
  }
  return std::exchange(left_out_, 0);
}

}  // namespace signet
