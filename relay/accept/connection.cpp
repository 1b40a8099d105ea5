#include "relay/accept/connection.hpp"

#include <algorithm>
#include <utility>

#include "relay/accept/data_phase.hpp"
#include "relay/smtp/reply.hpp"

namespace signet::accept {
namespace {

constexpr std::size_t kMaxReplies = 16U << 10;  // Gathered for one write.

/// Those of the listener where it is stricter.
config::Limits limits_of(const config::Settings& settings,
                         const config::ListenerSettings& listener) {
  config::Limits limits = settings.limits;
  if (listener.message_bytes > 0) {
    limits.message_bytes = std::min(limits.message_bytes, listener.message_bytes);
  }
  if (listener.recipients > 0) limits.recipients = std::min(limits.recipients, listener.recipients);
  return limits;
}

}  // namespace

/// A message that comes by BDAT. The time between its chunks counts as time waited for data.
struct ChunkedMessage {
  DataPhase phase;
  Pace pace;
  std::chrono::steady_clock::time_point since = {};
};

namespace {

Rules rules_of(const config::Settings& settings, const config::ListenerSettings& listener,
               const config::Limits& limits, bool has_tls) {
  const auto& users = settings.users;
  return {.hostname = listener.hostname.empty() ? settings.hostname : listener.hostname,
          .offers_starttls = has_tls && listener.tls == config::ListenerTls::starttls,
          .mechanisms = {.passwords = std::ranges::any_of(
                             users, [](const auto& user) { return !user.password.empty(); }),
                         .scram = std::ranges::any_of(
                             users, [](const auto& user) { return !user.scram.empty(); }),
                         .channel_binding = {}},
          .requires_tls = listener.require_tls,
          .requires_auth = listener.require_auth,
          .message_bytes = limits.message_bytes,
          .recipients = limits.recipients,
          .transactions = limits.transactions_per_session,
          .junk_commands = limits.junk_commands};
}

}  // namespace

Connection::Connection(net::Stream stream, config::ListenerSettings listener, Door& door,
                       monitoring::Metrics& metrics)
    : stream_(std::move(stream)),
      listener_(std::move(listener)),
      door_(door),
      metrics_(metrics),
      settings_(door.settings()),
      tls_(door.tls()),
      limits_(limits_of(*settings_, listener_)),
      dialogue_(rules_of(*settings_, listener_, limits_, tls_ != nullptr)) {
  facts_.remote = stream_.peer();
  facts_.peer.unix_user = stream_.peer_uid();
  facts_.peer.address = facts_.remote.address;
  facts_.listener = listener_.name;
  facts_.settings = settings_;
}

Connection::~Connection() {
  if (!entered_) return;
  door_.leave(facts_);
  metrics_.connection_closed();
}

net::Task<void> Connection::run() {
  auto greeting = greet();
  bool goes_on = co_await std::move(greeting);
  while (goes_on) {
    const LineReader::Line line = lines_.next(inbox_.unread());
    inbox_.consume(line.consumed);
    if (line.kind == LineReader::Kind::incomplete) {
      auto waiting = await_command();
      goes_on = co_await std::move(waiting);
      continue;
    }
    Action action = act_on(line);
    Say* said = std::get_if<Say>(&action);
    Say answer;
    if (said != nullptr) {
      answer = std::move(*said);
    } else {
      auto performing = perform(std::move(action));
      answer = co_await std::move(performing);
    }
    if (!dialogue_.in_transaction()) chunks_.reset();
    expect_command();
    if (answer.hangs_up) {
      auto ending = end(std::move(answer));
      co_await std::move(ending);
      co_return;
    }
    speak(answer);
    if (replies_.size() < kMaxReplies) continue;
    auto flushing = flush();
    goes_on = co_await std::move(flushing);
  }
}

net::Task<bool> Connection::admit() {
  const auto admitted = door_.enter(facts_, listener_);
  if (!admitted) co_return turn_away(admitted.error());
  entered_ = true;
  metrics_.connection_opened(listener_.name);
  if (is_proxy()) {
    auto taking = take_proxy_header();
    const auto taken = co_await std::move(taking);
    if (!taken) {
      // Whoever forgot the header would take our words for the client's: nothing is said.
      metrics_.connection_refused(taken.error().fault);
      co_return false;
    }
  }
  const auto arrived = door_.arrive(facts_);
  co_return arrived ? true : turn_away(arrived.error());
}

bool Connection::turn_away(const Error& error) {
  metrics_.connection_refused(error.fault);
  if (listener_.tls != config::ListenerTls::implicit) replies_ = smtp::format_reply(error);
  return false;
}

net::Task<bool> Connection::greet() {
  auto admitting = admit();
  const bool is_admitted = co_await std::move(admitting);
  if (!is_admitted) {
    auto flushing = flush();
    co_await std::move(flushing);
    co_return false;
  }
  if (listener_.tls == config::ListenerTls::implicit) {
    auto starting = start_tls();
    const bool is_started = co_await std::move(starting);
    if (!is_started) co_return false;
  }
  replies_ = dialogue_.banner();
  expect_command();
  co_return true;
}

net::Task<bool> Connection::start_tls() {
  if (tls_ == nullptr) co_return false;
  auto handshake = stream_.accept_tls(*tls_, settings_->timeouts.tls_handshake);
  const auto shaken = co_await std::move(handshake);
  if (!shaken) {
    metrics_.connection_refused(shaken.error().fault);
    co_return false;
  }
  const net::TlsFacts& agreed = *stream_.tls();
  metrics_.tls_handshake("in", agreed.version);
  facts_.tls = agreed.version + " with cipher " + agreed.cipher;
  if (agreed.peer_verified || settings_->tls.client_ca.empty()) {
    facts_.peer.certificate_fingerprint = agreed.peer_fingerprint;
  }
  if (agreed.peer_verified && !settings_->tls.client_ca.empty()) {
    facts_.peer.certificate_names = agreed.peer_names;
  }
  dialogue_.on_tls_started(agreed.channel_binding);
  inbox_ = Inbox();
  lines_ = LineReader();
  co_return true;
}

Action Connection::act_on(const LineReader::Line& line) {
  switch (line.kind) {
    case LineReader::Kind::line:
      return dialogue_.on_line(line.text);
    case LineReader::Kind::too_long:
      return dialogue_.on_long_line();
    case LineReader::Kind::endless:
      return hang_up(Error{Fault::too_many_errors, "endless line"});
    case LineReader::Kind::nul:
      return hang_up(Error{Fault::syntax_error, "NUL in a command"});
    case LineReader::Kind::incomplete:
    case LineReader::Kind::bare_newline:
      break;
  }
  return hang_up(Error{Fault::bare_newline, "in a command"});
}

net::Task<Say> Connection::perform(Action action) {
  if (auto* ask = std::get_if<AskRecipient>(&action)) {
    co_return dialogue_.on_recipient(door_.rcpt(facts(), ask->recipient));
  }
  if (auto* ask = std::get_if<AskSender>(&action)) {
    auto asking = door_.mail(facts(), std::move(ask->sender));
    auto answer = co_await std::move(asking);
    co_return dialogue_.on_sender(std::move(answer));
  }
  if (auto* wish = std::get_if<Authenticate>(&action)) {
    auto checking =
        door_.authenticate(stream_.loop(), facts(), wish->user, std::move(wish->password));
    const auto answer = co_await std::move(checking);
    metrics_.auth_attempt(answer.has_value());
    co_return dialogue_.on_authenticated(answer);
  }
  if (auto* ask = std::get_if<AskKeys>(&action)) {
    Action next = dialogue_.on_keys(door_.scram_keys(facts(), ask->user));
    if (auto* say = std::get_if<Say>(&next)) co_return std::move(*say);
    auto performing = perform(std::move(next));
    co_return co_await std::move(performing);
  }
  if (auto* proof = std::get_if<Conclude>(&action)) {
    auto concluding =
        door_.conclude(stream_.loop(), facts(), std::move(proof->user), proof->proven);
    const auto answer = co_await std::move(concluding);
    metrics_.auth_attempt(answer.has_value());
    co_return dialogue_.on_authenticated(answer);
  }
  if (std::holds_alternative<StartTls>(action)) {
    auto upgrading = upgrade();
    co_return co_await std::move(upgrading);
  }
  if (const auto* chunk = std::get_if<TakeChunk>(&action)) {
    auto taking = take_chunk(*chunk);
    co_return co_await std::move(taking);
  }
  auto receiving = receive();
  co_return co_await std::move(receiving);
}

net::Task<Say> Connection::upgrade() {
  if (!inbox_.unread().empty() || stream_.has_pending_input()) {
    co_return hang_up(Error{Fault::plaintext_after_starttls, {}});
  }
  speak(Dialogue::invite_tls());
  auto flushing = flush();
  const bool is_invited = co_await std::move(flushing);
  if (!is_invited) co_return silent_end();
  auto starting = start_tls();
  const bool is_started = co_await std::move(starting);
  co_return is_started ? Say{} : silent_end();
}

net::Task<Say> Connection::receive() {
  const SessionFacts& known = facts();
  auto intake = door_.open(stream_.loop(), known, dialogue_.take_envelope());
  if (!intake) co_return dialogue_.on_open(intake.failure());
  speak(dialogue_.on_open({}));
  DataPhase phase(std::move(*intake), limits_);
  auto receiving = receive_all(phase);
  Say answer = co_await std::move(receiving);
  note_refusal(phase);
  co_return answer;
}

void Connection::note_refusal(const DataPhase& phase) {
  if (!phase.refusal() || !phase.is_refused_here()) return;
  const auto* client = authorise::find_client(*settings_, facts_.peer);
  metrics_.message_refused(client == nullptr ? "" : client->name, phase.refusal()->fault);
}

net::Task<Say> Connection::receive_all(DataPhase& phase) {
  Pace pace(settings_->timeouts.min_bytes_per_second);
  DataPhase::Progress progress;
  inbox_.reserve(Inbox::kMost / 4);
  while (!progress.ended) {
    if (inbox_.unread().empty()) {
      auto waiting = await_data(pace);
      Say stop = co_await std::move(waiting);
      if (stop.hangs_up) co_return stop;
    }
    if (phase.is_large())
      co_await stream_.loop().turn();  // Hashing it all at once would stall others.
    auto feeding = phase.feed(inbox_.unread());
    progress = co_await std::move(feeding);
    if (progress.broken) co_return hang_up(*phase.refusal());
    inbox_.consume(progress.consumed);
  }
  auto finishing = phase.finish();
  const auto stored = co_await std::move(finishing);
  co_return dialogue_.on_message(stored);
}

net::Task<Say> Connection::take_chunk(TakeChunk chunk) {
  std::optional<Error> refusal;
  if (chunk.refused) refusal = Error{*chunk.refused, {}};
  if (!refusal && !chunks_) refusal = begin_chunks();
  if (!refusal) {
    auto adding = add_chunk(chunk);
    co_return co_await std::move(adding);
  }
  Pace pace(settings_->timeouts.min_bytes_per_second);
  auto dropping = receive_octets(chunk.size, nullptr, pace);
  Say stop = co_await std::move(dropping);
  if (stop.hangs_up) co_return stop;
  co_return dialogue_.on_refused_chunk(*refusal, !chunk.refused);
}

std::optional<Error> Connection::begin_chunks() {
  const SessionFacts& known = facts();
  auto intake = door_.open(stream_.loop(), known, dialogue_.take_envelope());
  if (!intake) return intake.error();
  chunks_ = std::make_unique<ChunkedMessage>(
      DataPhase(std::move(*intake), limits_, DataPhase::Framing::by_size),
      Pace(settings_->timeouts.min_bytes_per_second), std::chrono::steady_clock::now());
  return std::nullopt;
}

net::Task<Say> Connection::add_chunk(TakeChunk chunk) {
  DataPhase& phase = chunks_->phase;
  if (!chunks_->pace.keeps_up(0, std::chrono::steady_clock::now() - chunks_->since)) {
    co_return hang_up(Error{Fault::idle_timeout, "chunks too slow"});
  }
  auto receiving = receive_octets(chunk.size, &phase, chunks_->pace);
  Say stop = co_await std::move(receiving);
  if (stop.hangs_up) co_return stop;
  chunks_->since = std::chrono::steady_clock::now();
  if (!phase.refusal() && !chunk.last) co_return dialogue_.on_chunk(chunk);
  auto finishing = phase.finish();
  const auto stored = co_await std::move(finishing);
  note_refusal(phase);
  if (!stored) co_return dialogue_.on_refused_chunk(stored.error(), true);
  co_return dialogue_.on_message(stored);
}

net::Task<Say> Connection::receive_octets(std::uint64_t size, DataPhase* phase, Pace& pace) {
  const std::uint64_t before = phase == nullptr ? 0 : phase->size();
  const std::uint64_t most = limits_.message_bytes * DataPhase::kPatience;
  if (before > most || size > most - before) {
    co_return hang_up(Error{Fault::message_too_big, "BDAT " + std::to_string(size)});
  }
  while (size > 0) {
    if (inbox_.unread().empty()) {
      auto waiting = await_data(pace);
      Say stop = co_await std::move(waiting);
      if (stop.hangs_up) co_return stop;
    }
    if (phase != nullptr && phase->is_large()) co_await stream_.loop().turn();
    const std::string_view part = inbox_.unread().substr(0, size);
    if (phase != nullptr) {
      auto feeding = phase->feed(part);
      static_cast<void>(co_await std::move(feeding));
    }
    size -= part.size();
    inbox_.consume(part.size());
  }
  co_return Say{};
}

const SessionFacts& Connection::facts() {
  facts_.helo = dialogue_.helo();
  facts_.protocol = dialogue_.protocol();
  facts_.peer.user = dialogue_.user();
  return facts_;
}

void Connection::expect_command() {
  command_deadline_ = std::chrono::steady_clock::now() + settings_->timeouts.command;
}

}  // namespace signet::accept
