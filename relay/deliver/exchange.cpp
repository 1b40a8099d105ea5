#include "relay/deliver/exchange.hpp"

#include <algorithm>

#include "relay/deliver/outcome.hpp"
#include "relay/smtp/characters.hpp"
#include "relay/smtp/command.hpp"
#include "relay/smtp/data.hpp"

namespace signet::deliver {
namespace {

constexpr std::size_t kWriteAtLeast = 64UL << 10U;
constexpr int kStorageExceeded = 552;

bool is_go_ahead(const smtp::Reply& reply) { return reply.code >= 300 && reply.code < 400; }

}  // namespace

Exchange::Exchange(Dialogue& dialogue, const smtp::Capabilities& capabilities,
                   const config::Timeouts& timeouts, Transaction& transaction, std::string& buffer)
    : dialogue_(dialogue),
      capabilities_(capabilities),
      timeouts_(timeouts),
      transaction_(transaction),
      buffer_(buffer),
      outcomes_(transaction.recipients.size()),
      settled_(transaction.recipients.size()) {}

net::Task<void> Exchange::run(bool reset_first) {
  needs_reset_ = reset_first;
  if (const auto fault = obstacle()) {
    settle_rest(outcome_of(*fault, "not sent"));
    co_return;
  }
  choose_recipients();
  if (asked_.empty()) co_return;
  const bool in_step = co_await exchange_envelope(reset_first ? kReset : kMail);
  if (!in_step || !data_accepted_) co_return;
  if (accepted_.empty()) {
    co_await send_nothing();
  } else {
    co_await send_message();
  }
}

// What keeps the message from this peer whatever it would answer (RFC 6152 3, RFC 6531 3.5, RFC
// 1870 6.1, RFC 8689 4.2).
std::optional<Fault> Exchange::obstacle() const {
  const std::uint64_t size = transaction_.head.size() + transaction_.body_size;
  if (transaction_.has_eight_bit && !capabilities_.eight_bit_mime)
    return Fault::peer_lacks_8bitmime;
  const ReversePath& sender = transaction_.sender;
  const bool needs_utf8 = transaction_.utf8_header || (sender && sender->needs_utf8());
  if (needs_utf8 && !capabilities_.smtp_utf8) return Fault::peer_lacks_smtputf8;
  const auto& tls = dialogue_.stream().tls();
  const bool is_safe = tls && tls->peer_verified && capabilities_.require_tls;
  if (transaction_.require_tls && sender && !is_safe) return Fault::peer_lacks_requiretls;
  if (capabilities_.size > 0 && size > capabilities_.size) return Fault::peer_size_limit;
  return std::nullopt;
}

void Exchange::choose_recipients() {
  for (std::size_t i = 0; i < transaction_.recipients.size(); ++i) {
    if (capabilities_.smtp_utf8 || !transaction_.recipients[i].address.needs_utf8()) {
      asked_.push_back(i);
    } else {
      settle(i, outcome_of(Fault::peer_lacks_smtputf8, "not sent"));
    }
  }
}

net::Task<bool> Exchange::exchange_envelope(Step first) {
  needs_reset_ = true;
  buffer_.clear();
  for (Step step = first; step <= data_step(); ++step) append_command(step);
  const auto lines = static_cast<Step>(std::ranges::count(buffer_, '\n'));
  if (lines != data_step() - first + 1) {
    // An address with a line break would be a command of its own: never let it out.
    settle_rest(outcome_of(Fault::local_error, "envelope"));
    co_return false;
  }
  std::string_view unsent = buffer_;
  for (Step step = first; step <= data_step(); ++step) {
    if (is_pointless(step)) co_return true;
    const std::size_t length = capabilities_.pipelining ? unsent.size() : unsent.find('\n') + 1;
    if (length > 0) {
      const auto sent = co_await dialogue_.send(unsent.substr(0, length), timeout(step));
      if (!sent) {
        settle_rest(outcome_of(sent.error().fault, name(step)));
        co_return false;
      }
      unsent.remove_prefix(length);
    }
    const auto reply = co_await dialogue_.receive(timeout(step));
    if (!reply && reply.error().fault == Fault::peer_protocol) {
      lose_step(name(step));
    } else if (!reply) {
      settle_rest(outcome_of(reply.error().fault, name(step)));
    }
    if (!reply || !take_reply(step, *reply)) co_return false;
  }
  if (!dialogue_.is_in_step()) lose_step("DATA");
  co_return dialogue_.is_open();
}

std::string_view Exchange::name(Step step) const {
  if (step == kReset) return "RSET";
  if (step == kMail) return "MAIL";
  return step == data_step() ? "DATA" : "RCPT";
}

net::Timeout Exchange::timeout(Step step) const {
  if (step <= kMail) return timeouts_.mail;
  return step == data_step() ? timeouts_.data : timeouts_.rcpt;
}

void Exchange::append_command(Step step) {
  if (step == kReset) {
    buffer_ += "RSET\r\n";
  } else if (step == kMail) {
    append_mail();
  } else if (step == data_step()) {
    buffer_ += "DATA\r\n";
  } else {
    append_recipient(transaction_.recipients[recipient_of(step)]);
  }
}

void Exchange::append_mail() {
  buffer_.append("MAIL FROM:").append(to_string(transaction_.sender));
  if (capabilities_.has_size) {
    buffer_ += " SIZE=" + std::to_string(transaction_.head.size() + transaction_.body_size);
  }
  if (transaction_.has_eight_bit) buffer_ += " BODY=8BITMIME";
  if (speaks_utf8()) buffer_ += " SMTPUTF8";
  if (transaction_.require_tls && capabilities_.require_tls && dialogue_.stream().tls()) {
    buffer_ += " REQUIRETLS";
  }
  if (capabilities_.dsn && !transaction_.dsn_return.empty()) {
    buffer_.append(" RET=").append(transaction_.dsn_return);
  }
  if (capabilities_.dsn && !transaction_.envelope_id.empty()) {
    buffer_.append(" ENVID=").append(transaction_.envelope_id);
  }
  buffer_ += "\r\n";
}

void Exchange::append_recipient(const Recipient& recipient) {
  buffer_.append("RCPT TO:<").append(recipient.address.local).append("@");
  buffer_.append(recipient.address.domain.text()).append(">");
  if (capabilities_.dsn && !recipient.dsn.notify.empty()) {
    buffer_.append(" NOTIFY=").append(recipient.dsn.notify);
  }
  if (capabilities_.dsn && !recipient.dsn.original_recipient.empty()) {
    append_original_recipient(recipient.dsn.original_recipient);
  }
  buffer_ += "\r\n";
}

// UTF-8 as it is needs SMTPUTF8; without it the address is escaped (RFC 6533 3).
void Exchange::append_original_recipient(const std::string& parameter) {
  if (speaks_utf8() || !smtp::has_eight_bit(parameter)) {
    buffer_.append(" ORCPT=").append(parameter);
    return;
  }
  const std::size_t address = parameter.find(';') + 1;
  const auto decoded = smtp::decode_utf8_address(parameter.substr(address), true);
  if (!decoded) return;
  buffer_.append(" ORCPT=").append(parameter.substr(0, address));
  buffer_.append(smtp::encode_utf8_address(*decoded));
}

// Without pipelining nothing more is said once it is in vain.
bool Exchange::is_pointless(Step step) const {
  if (capabilities_.pipelining || step <= kMail) return false;
  return !mail_accepted_ || (step == data_step() && accepted_.empty());
}

/// False ends the exchange, with every recipient settled.
bool Exchange::take_reply(Step step, const smtp::Reply& reply) {
  if (!dialogue_.is_open()) {  // 421: the peer speaks of itself, not of this command.
    settle_rest(outcome_of(reply));
    return false;
  }
  if (is_go_ahead(reply) != (step == data_step() && reply.is_positive())) {
    lose_step(name(step));
    return false;
  }
  if (step == kReset && !reply.is_positive()) {
    dialogue_.abandon();
    settle_rest(outcome_of(Fault::peer_temporary, name(step)));
    return false;
  }
  if (step == kMail) {
    mail_accepted_ = reply.is_positive();
    if (!mail_accepted_) settle_rest(outcome_of(reply));
  } else if (step == data_step()) {
    data_accepted_ = reply.is_positive();
    if (!data_accepted_) settle_rest(outcome_of(reply));
  } else if (step >= kFirstRecipient && mail_accepted_) {
    take_recipient_reply(recipient_of(step), reply);
  }
  return true;
}

void Exchange::take_recipient_reply(std::size_t index, const smtp::Reply& reply) {
  if (reply.is_positive()) {
    accepted_.push_back(static_cast<std::uint32_t>(index));
    return;
  }
  RecipientOutcome outcome = outcome_of(reply);
  if (reply.code == kStorageExceeded) {  // Means 452 here (RFC 5321 4.5.3.1.10).
    outcome.result = RecipientResult::deferred;
    outcome.fault = Fault::peer_temporary;
  }
  settle(index, std::move(outcome));
}

// DATA was accepted with no recipient (RFC 2920 3.1): an empty message ends it.
net::Task<void> Exchange::send_nothing() {
  const auto reply = co_await dialogue_.ask(".\r\n", timeouts_.final_dot);
  if (reply && !dialogue_.is_in_step()) dialogue_.abandon();
}

net::Task<void> Exchange::send_message() {
  const auto sent = co_await send_body();
  if (!sent) {
    // Nothing but the final dot may end the data, so the connection is lost with it. A fault of
    // ours never fails mail for good.
    dialogue_.abandon();
    RecipientOutcome outcome = outcome_of(sent.error().fault, "message");
    outcome.result = RecipientResult::deferred;
    settle_rest(outcome);
    co_return;
  }
  const auto reply = co_await dialogue_.receive(timeouts_.final_dot);
  if (!reply) {
    settle_rest(outcome_of(reply.error().fault, "end of data, result unknown"));
    co_return;
  }
  take_final_reply(*reply);
}

net::Task<Result<void>> Exchange::send_body() {
  smtp::DataEncoder encoder;
  buffer_.clear();
  encoder.encode(transaction_.head, buffer_);
  while (transaction_.next_slice) {
    const auto slice = co_await transaction_.next_slice();
    if (!slice) co_return slice.failure();
    if (slice->empty()) break;
    encoder.encode(*slice, buffer_);
    if (buffer_.size() < kWriteAtLeast) continue;
    auto written = co_await dialogue_.send(buffer_, timeouts_.block);
    if (!written) co_return written;
    buffer_.clear();
  }
  encoder.finish(buffer_);
  if (transaction_.before_dot) {
    auto recorded = co_await transaction_.before_dot(std::move(accepted_));
    if (!recorded) co_return recorded;
  }
  auto written = co_await dialogue_.send(buffer_, timeouts_.block);
  co_return written;
}

void Exchange::take_final_reply(const smtp::Reply& reply) {
  const bool was_open = dialogue_.is_open();
  if (is_go_ahead(reply) || (was_open && !dialogue_.is_in_step())) {
    // Two replies to one dot: which of them is the answer can't be known.
    lose_step("end of data");
    return;
  }
  settle_rest(outcome_of(reply));
  needs_reset_ = !reply.is_positive();
}

void Exchange::settle(std::size_t index, RecipientOutcome outcome) {
  outcomes_[index] = std::move(outcome);
  settled_[index] = true;
}

void Exchange::settle_rest(const RecipientOutcome& outcome) {
  for (std::size_t i = 0; i < outcomes_.size(); ++i) {
    if (!settled_[i]) settle(i, outcome);
  }
}

void Exchange::lose_step(std::string_view where) {
  dialogue_.abandon();
  settled_.assign(settled_.size(), false);
  settle_rest(outcome_of(Fault::peer_protocol, where));
}

}  // namespace signet::deliver
