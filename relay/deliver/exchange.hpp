// One message over an open dialogue (RFC 5321 3.3): envelope, data, and what came of each
// recipient.
//
// Pipelined where offered (RFC 2920 3.1). Replies are matched by order alone; when they can't be,
// no recipient is settled by them (all are deferred with peer_protocol).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "relay/deliver/client.hpp"
#include "relay/deliver/dialogue.hpp"

namespace signet::deliver {

class Exchange {
 public:
  /// All parameters must outlive the exchange. `buffer` is where octets to send are gathered: its
  /// room is used again from message to message.
  Exchange(Dialogue& dialogue, const smtp::Capabilities& capabilities,
           const config::Timeouts& timeouts, Transaction& transaction, std::string& buffer);

  /// Once. Afterwards there is an outcome for each recipient; the dialogue is over unless it ended
  /// in step.
  [[nodiscard]] net::Task<void> run(bool reset_first);
  [[nodiscard]] std::vector<RecipientOutcome> take_outcomes() { return std::move(outcomes_); }
  /// The peer may still hold parts of this transaction: RSET before the next.
  [[nodiscard]] bool needs_reset() const { return needs_reset_; }

 private:
  // The commands before the data, in order: RSET, MAIL, one RCPT per recipient asked, DATA.
  using Step = std::size_t;
  static constexpr Step kReset = 0;
  static constexpr Step kMail = 1;
  static constexpr Step kFirstRecipient = 2;
  [[nodiscard]] Step data_step() const { return kFirstRecipient + asked_.size(); }
  [[nodiscard]] std::size_t recipient_of(Step step) const { return asked_[step - kFirstRecipient]; }
  [[nodiscard]] std::string_view name(Step step) const;
  [[nodiscard]] net::Timeout timeout(Step step) const;

  [[nodiscard]] std::optional<Fault> obstacle() const;
  void choose_recipients();
  [[nodiscard]] bool speaks_utf8() const { return transaction_.utf8 && capabilities_.smtp_utf8; }
  net::Task<bool> exchange_envelope(Step first);
  void append_command(Step step);
  void append_mail();
  void append_recipient(const Recipient& recipient);
  void append_original_recipient(const std::string& parameter);
  [[nodiscard]] bool is_pointless(Step step) const;
  bool take_reply(Step step, const smtp::Reply& reply);
  void take_recipient_reply(std::size_t index, const smtp::Reply& reply);

  net::Task<void> send_nothing();
  net::Task<void> send_message();
  net::Task<Result<void>> send_body();
  void take_final_reply(const smtp::Reply& reply);

  void settle(std::size_t index, RecipientOutcome outcome);
  void settle_rest(const RecipientOutcome& outcome);
  void lose_step(std::string_view where);

  Dialogue& dialogue_;
  const smtp::Capabilities& capabilities_;
  const config::Timeouts& timeouts_;
  Transaction& transaction_;
  std::string& buffer_;
  std::vector<RecipientOutcome> outcomes_;
  std::vector<bool> settled_;
  std::vector<std::size_t> asked_;  ///< Indexes of the recipients the peer is asked about.
  std::vector<std::uint32_t> accepted_;
  bool mail_accepted_ = false;
  bool data_accepted_ = false;
  bool needs_reset_ = false;
};

}  // namespace signet::deliver
