#include "relay/accept/dialogue.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "relay/smtp/reply.hpp"

namespace signet::accept {
namespace {

using smtp::format_reply;
using smtp::Verb;

constexpr unsigned kMaxAuthFailures = 3;
// Recipients over the limit that are answered before they count as junk, at least and by the limit.
constexpr std::uint64_t kSurplus = 1000;
constexpr std::uint64_t kSurplusPerRecipient = 10;

Say say(int code, std::string_view enhanced, std::string_view text) {
  return Say{.reply = format_reply(code, enhanced, text)};
}

// 421 says that the connection ends (RFC 5321 3.8).
Say say(const Error& error) {
  return Say{.reply = format_reply(error),
             .refused = error.fault,
             .hangs_up = row(error.fault).code == 421};
}

// A browser can be made to send a request to us; its body must not be read as commands.
bool is_http(std::string_view line) {
  return line.ends_with(" HTTP/1.1") || line.ends_with(" HTTP/1.0") || line.ends_with(" HTTP/2.0");
}

// At most six digits (RFC 9422 3).
std::string limit_value(std::uint32_t limit) { return std::to_string(std::min(limit, 999'999U)); }

Domain host_domain(const std::string& hostname) {
  const auto parsed = Domain::parse(hostname);
  return parsed ? *parsed : *Domain::parse("localhost");
}

}  // namespace

Say hang_up(const Error& error) {
  Say made = say(error);
  made.hangs_up = true;
  return made;
}

Dialogue::Dialogue(Rules rules) : rules_(std::move(rules)), host_(host_domain(rules_.hostname)) {}

std::string Dialogue::banner() const {
  return format_reply(220, "", rules_.hostname + " ESMTP Signet");
}

Dialogue::Handler Dialogue::handler_of(Verb verb) {
  static constexpr std::array<std::pair<Verb, Handler>, 14> kHandlers{{
      {Verb::helo, &Dialogue::on_helo},
      {Verb::ehlo, &Dialogue::on_ehlo},
      {Verb::mail, &Dialogue::on_mail},
      {Verb::rcpt, &Dialogue::on_rcpt},
      {Verb::data, &Dialogue::on_data},
      {Verb::bdat, &Dialogue::on_bdat},
      {Verb::rset, &Dialogue::on_rset},
      {Verb::noop, &Dialogue::on_noop},
      {Verb::quit, &Dialogue::on_quit},
      {Verb::vrfy, &Dialogue::on_vrfy},
      {Verb::expn, &Dialogue::on_expn},
      {Verb::help, &Dialogue::on_help},
      {Verb::starttls, &Dialogue::on_starttls},
      {Verb::auth, &Dialogue::on_auth},
  }};
  for (const auto& [known, handler] : kHandlers) {
    if (known == verb) return handler;
  }
  return nullptr;
}

Action Dialogue::on_line(std::string_view line) {
  if (auth_) return go_on_with(auth_->on_line(line));
  const smtp::Command command = smtp::parse_command(line);
  if (line.size() + 2 > smtp::kMaxCommandLine && command.verb != Verb::auth) {
    return refuse(Fault::line_too_long);
  }
  const Handler handler = handler_of(command.verb);
  if (handler != nullptr) return (this->*handler)(command.argument);
  if (is_http(line)) return hang_up(Error{Fault::syntax_error, "HTTP request"});
  // From a peer that may not: whatever follows is meant for somebody who trusts it.
  if (line.starts_with("PROXY ")) return hang_up(Error{Fault::syntax_error, "PROXY header"});
  return refuse(Fault::syntax_error);
}

Action Dialogue::on_long_line() {
  auth_.reset();
  return refuse(Fault::line_too_long);
}

Action Dialogue::on_helo(std::string_view argument) { return greet(argument, false); }
Action Dialogue::on_ehlo(std::string_view argument) { return greet(argument, true); }

Action Dialogue::greet(std::string_view argument, bool extended) {
  auto name = smtp::parse_helo(argument);
  if (!name) return refuse(name.error());
  forget_transaction();
  const bool is_repeated = !helo_.empty();
  helo_ = std::move(*name);
  extended_ = extended;
  Say answer{.reply = extended ? capabilities() : format_reply(250, "", rules_.hostname)};
  if (is_repeated) return count_junk(std::move(answer));
  return answer;
}

std::string Dialogue::capabilities() const {
  const std::string size = "SIZE " + std::to_string(rules_.message_bytes);
  std::string limits = "LIMITS RCPTMAX=" + limit_value(rules_.recipients);
  if (rules_.transactions > 0) limits += " MAILMAX=" + limit_value(rules_.transactions);
  std::vector<std::string_view> lines{rules_.hostname, "PIPELINING", size,       "8BITMIME",
                                      "SMTPUTF8",      "DSN",        "CHUNKING", limits};
  if (rules_.offers_starttls && !tls_) lines.emplace_back("STARTTLS");
  if (tls_) lines.emplace_back("REQUIRETLS");
  const std::string auth = "AUTH " + rules_.mechanisms.to_string();
  if (offers_auth() && tls_) lines.emplace_back(auth);
  lines.emplace_back("ENHANCEDSTATUSCODES");
  return format_reply(250, "", lines);
}

std::optional<Fault> Dialogue::why_no_mail_now() const {
  if (helo_.empty() || in_transaction_) return Fault::bad_sequence;
  if (rules_.requires_tls && !tls_) return Fault::tls_required;
  if (rules_.requires_auth && user_.empty()) return Fault::auth_required;
  return std::nullopt;
}

Action Dialogue::on_mail(std::string_view argument) {
  if (const auto fault = why_no_mail_now()) return refuse(*fault);
  if (rules_.transactions > 0 && transactions_ >= rules_.transactions) {
    return hang_up(Error{Fault::too_many_transactions, {}});
  }
  const smtp::Offered offered{.size = extended_,
                              .eight_bit = extended_,
                              .utf8 = extended_,
                              .dsn = extended_,
                              .auth = extended_ && offers_auth() && tls_,
                              .require_tls = extended_ && tls_};
  auto mail = smtp::parse_mail(argument, offered);
  if (!mail) return refuse(mail.error());
  if (mail->size.value_or(0) > rules_.message_bytes) {
    return refuse(Error{Fault::message_too_big, "declared"});
  }
  envelope_.eight_bit = mail->eight_bit;
  envelope_.utf8 = mail->utf8;
  envelope_.require_tls = mail->require_tls;
  envelope_.dsn_return = std::move(mail->dsn_return);
  envelope_.envelope_id = std::move(mail->envelope_id);
  return AskSender{std::move(mail->sender)};
}

Say Dialogue::on_sender(Result<ReversePath> answer) {
  if (!answer) {
    forget_transaction();
    return refuse(answer.error());
  }
  ++transactions_;
  envelope_.sender = std::move(*answer);
  in_transaction_ = true;
  return say(250, "2.1.0", "Ok");
}

Action Dialogue::on_rcpt(std::string_view argument) {
  if (!in_transaction_ || chunking_) return refuse(Fault::bad_sequence);
  if (envelope_.recipients.size() >= rules_.recipients) {
    // Honest clients send the rest of their list before they read this.
    const Error error{Fault::too_many_recipients, {}};
    const auto patience = std::max(kSurplus, kSurplusPerRecipient * rules_.recipients);
    return ++surplus_ > patience ? refuse(error) : say(error);
  }
  const smtp::Offered offered{.utf8 = envelope_.utf8, .dsn = extended_};
  auto recipient = smtp::parse_rcpt(argument, offered, host_);
  if (!recipient) {
    refused_recipient_ = true;
    return refuse(recipient.error());
  }
  envelope_.recipients.push_back(*recipient);
  return AskRecipient{std::move(*recipient)};
}

Say Dialogue::on_recipient(const Result<void>& answer) {
  if (answer) return say(250, "2.1.5", "Ok");
  refused_recipient_ = true;
  envelope_.recipients.pop_back();
  return refuse(answer.error());
}

Action Dialogue::on_data(std::string_view argument) {
  if (!argument.empty()) return refuse(Fault::bad_parameter);
  if (chunking_) return refuse(Fault::bad_sequence);
  if (const auto fault = why_no_data_now()) return refuse(*fault);
  return OpenData{};
}

std::optional<Fault> Dialogue::why_no_data_now() const {
  if (!in_transaction_) return Fault::bad_sequence;
  if (!envelope_.recipients.empty()) return std::nullopt;
  return refused_recipient_ ? Fault::no_valid_recipients : Fault::bad_sequence;
}

Say Dialogue::on_open(const Result<void>& answer) {
  if (answer) return say(354, "", "End data with <CR><LF>.<CR><LF>");
  forget_transaction();
  return say(answer.error());
}

Say Dialogue::on_message(const Result<QueueId>& answer) {
  forget_transaction();
  if (!answer) return say(answer.error());
  junk_ = 0;
  return say(250, "2.0.0", "Ok: queued as " + answer->to_string());
}

// Without its size nobody knows where the chunk ends and commands go on.
Action Dialogue::on_bdat(std::string_view argument) {
  const auto bdat = smtp::parse_bdat(argument);
  if (!bdat) return hang_up(bdat.error());
  TakeChunk chunk{.size = bdat->size, .last = bdat->last, .refused = {}};
  if (!chunking_) chunk.refused = extended_ ? why_no_data_now() : Fault::bad_sequence;
  chunking_ = !chunk.refused;
  return chunk;
}

Say Dialogue::on_chunk(const TakeChunk& chunk) {
  Say answer = say(250, "2.0.0", std::to_string(chunk.size) + " octets received");
  return chunk.size > 0 ? answer : count_junk(std::move(answer));
}

Say Dialogue::on_refused_chunk(const Error& error, bool ends_transaction) {
  if (ends_transaction) forget_transaction();
  return refuse(error);
}

Action Dialogue::on_rset(std::string_view argument) {
  if (!argument.empty()) return refuse(Fault::bad_parameter);
  forget_transaction();
  return count_junk(say(250, "2.0.0", "Ok"));
}

Action Dialogue::on_noop(std::string_view) { return count_junk(say(250, "2.0.0", "Ok")); }

Action Dialogue::on_quit(std::string_view argument) {
  if (!argument.empty()) return refuse(Fault::bad_parameter);
  Say bye = say(221, "2.0.0", "Bye");
  bye.hangs_up = true;
  return bye;
}

Action Dialogue::on_vrfy(std::string_view argument) {
  if (argument.empty()) return refuse(Fault::bad_parameter);
  return count_junk(say(252, "2.5.0", "Not verified: send mail and see"));
}

Action Dialogue::on_expn(std::string_view) { return refuse(Fault::not_implemented); }

Action Dialogue::on_help(std::string_view) {
  return count_junk(say(214, "2.0.0", "Signet, a signing relay: see RFC 5321"));
}

Action Dialogue::on_starttls(std::string_view argument) {
  if (tls_) return refuse(Fault::bad_sequence);
  if (!rules_.offers_starttls) return refuse(Fault::not_implemented);
  if (!argument.empty()) return refuse(Fault::bad_parameter);
  if (!extended_ || in_transaction_) return refuse(Fault::bad_sequence);
  return StartTls{};
}

Say Dialogue::invite_tls() { return say(220, "2.0.0", "Ready to start TLS"); }

void Dialogue::on_tls_started(std::string channel_binding) {
  rules_.mechanisms.channel_binding = std::move(channel_binding);
  forget_transaction();
  tls_ = true;
  helo_.clear();
  extended_ = false;
  user_.clear();
}

Action Dialogue::on_auth(std::string_view argument) {
  if (!offers_auth()) return refuse(Fault::not_implemented);
  if (!extended_ || in_transaction_ || !user_.empty()) return refuse(Fault::bad_sequence);
  if (!tls_) return refuse(Fault::auth_needs_tls);
  auth_.emplace(rules_.mechanisms);
  return go_on_with(auth_->start(argument));
}

Action Dialogue::go_on_with(const Result<AuthExchange::Step>& step) {
  if (!step) {
    auth_.reset();
    if (step.error().fault == Fault::auth_failed) return on_authenticated(step.failure());
    return refuse(step.error());
  }
  if (const auto* challenge = std::get_if<AuthExchange::Challenge>(&*step)) {
    return Say{.reply = "334 " + std::string(challenge->text) + "\r\n"};
  }
  if (const auto* needs = std::get_if<AuthExchange::NeedsKeys>(&*step)) return AskKeys{needs->user};
  auth_.reset();
  if (const auto* verdict = std::get_if<AuthExchange::Verdict>(&*step)) {
    asked_user_ = verdict->user;
    return Conclude{verdict->user, verdict->proven};
  }
  const auto& credentials = std::get<AuthExchange::Credentials>(*step);
  asked_user_ = credentials.user;
  return Authenticate{credentials.user, credentials.password};
}

Action Dialogue::on_keys(const Result<config::ScramKeys>& keys) {
  if (keys) return go_on_with(auth_->on_keys(*keys));
  auth_.reset();
  return say(keys.error());
}

Say Dialogue::on_authenticated(const Result<void>& answer) {
  if (answer) {
    user_ = std::exchange(asked_user_, {});
    return say(235, "2.7.0", "Authentication succeeded");
  }
  asked_user_.clear();
  Say refusal = say(answer.error());
  if (answer.error().fault != Fault::auth_failed) return refusal;
  if (++auth_failures_ < kMaxAuthFailures) return refusal;
  // The client learns that the password is wrong, and then that this was the last attempt.
  refusal.reply += format_reply(Error{Fault::too_many_errors, {}});
  refusal.hangs_up = true;
  return refusal;
}

std::string Dialogue::protocol() const {
  if (!extended_) return "SMTP";
  return std::string(envelope_.utf8 ? "UTF8SMTP" : "ESMTP") + (tls_ ? "S" : "") +
         (user_.empty() ? "" : "A");
}

Say Dialogue::count_junk(Say answer) {
  if (++junk_ > rules_.junk_commands) return hang_up(Error{Fault::too_many_errors, {}});
  return answer;
}

Say Dialogue::refuse(const Error& error) { return count_junk(say(error)); }

void Dialogue::forget_transaction() {
  envelope_ = {};
  in_transaction_ = false;
  refused_recipient_ = false;
  chunking_ = false;
  surplus_ = 0;
}

}  // namespace signet::accept
