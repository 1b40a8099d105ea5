#include "relay/held_mail.hpp"

namespace signet {
namespace {

constexpr std::size_t kPage = 256;

std::string word_of(const std::string& reason) { return reason.substr(0, reason.find(':')); }

}  // namespace

Result<void> HeldMail::check_room(const std::string& author_domain,
                                  const config::Limits& limits) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_domain_.find(author_domain);
  if (found == by_domain_.end()) return {};
  const Amount& amount = found->second;
  if (amount.messages < static_cast<std::int64_t>(limits.held_messages_per_domain) &&
      amount.bytes < static_cast<std::int64_t>(limits.held_bytes_per_domain)) {
    return {};
  }
  return fail(Fault::held_mail_full, author_domain);
}

void HeldMail::changed(const spool::Record& record, const std::string& before,
                       const std::string& after) {
  if (before == after) return;
  if (!before.empty()) count(record, before, -1);
  if (!after.empty()) count(record, after, 1);
}

void HeldMail::load(const spool::Spool& spool) {
  if (spool.stats().held == 0) return;
  QueueId after;
  for (;;) {
    const auto page = spool.list(after, kPage);
    if (!page || page->empty()) return;
    for (const spool::Message& message : *page) {
      changed(message.record, {}, message.state.hold_reason);
    }
    after = page->back().record.id;
  }
}

void HeldMail::count(const spool::Record& record, const std::string& reason, std::int64_t sign) {
  const std::string word = word_of(reason);
  const std::lock_guard lock(mutex_);
  Amount& amount = by_domain_[record.author_domain];
  amount.messages += sign;
  amount.bytes += sign * static_cast<std::int64_t>(record.body_size + record.header.size());
  if (amount.messages <= 0) by_domain_.erase(record.author_domain);
  metrics_.held(word, by_reason_[word] += sign);
}

}  // namespace signet
