#include "relay/net/dns_questions.hpp"

#include <unbound-event.h>
#include <unbound.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "relay/net/dns_message.hpp"
#include "relay/net/libevent.hpp"

namespace signet::net {
namespace {

constexpr std::size_t kMaxQuestions = 20'000;
constexpr std::chrono::milliseconds kProbeLimit = std::chrono::seconds(3);
constexpr std::chrono::milliseconds kProbeAgain = std::chrono::seconds(30);
constexpr int kClassInternet = 1;
constexpr unsigned kNoSuchName = 3;
constexpr auto kDnskey = static_cast<RecordType>(48);

}  // namespace

DnsQuestions::~DnsQuestions() {
  context_.reset();  // They hold pointers to the questions.
  candidate_.reset();
}

Result<void> DnsQuestions::start() {
  const bool anchored = !settings_.trust_anchor.empty();
  if (anchored) {
    auto owner = trust_anchor_owner(settings_.trust_anchor);
    if (!owner) return owner.failure();
    anchor_ = std::move(*owner);
  }
  auto context = make_unbound_context(base_, settings_, anchored);
  if (!context) return context.failure();
  context_ = std::move(*context);
  if (!anchored) return {};
  holding_ = true;
  const int error = probe();
  if (error == 0) return {};
  return fail(Fault::configuration, "resolver: trust anchor " + settings_.trust_anchor.string() +
                                        ": " + ub_strerror(error));
}

void DnsQuestions::ask(std::string name, RecordType type, Done done) {
  if (questions_.size() >= kMaxQuestions) {
    return done(fail(Fault::dns_temporary, "too many DNS questions at once"));
  }
  auto& question = add(std::move(name), type, settings_.timeout, std::move(done));
  if (!holding_) send_or_fail(question);
}

DnsQuestions::Question& DnsQuestions::add(std::string name, RecordType type,
                                          std::chrono::milliseconds limit, Done done) {
  auto owned = std::make_unique<Question>(Question{*this, std::move(name), type, std::move(done)});
  auto& question = *owned;
  questions_.emplace(&question, std::move(owned));
  question.deadline.reset(event_new(
      base_, -1, 0,
      [](int, short, void* self) {
        auto* late = static_cast<Question*>(self);
        late->owner.on_deadline(*late);
      },
      &question));
  const auto delay = to_timeval(limit);
  if (!question.deadline || event_add(question.deadline.get(), &delay) != 0) std::abort();
  return question;
}

int DnsQuestions::send(Question& question, ub_ctx* to) {
  question.sent_to = to;
  return ub_resolve_event(to, question.name.c_str(), static_cast<int>(question.type),
                          kClassInternet, &question, on_reply, nullptr);
}

void DnsQuestions::send_or_fail(Question& question) {
  const int error = send(question, context_.get());
  if (error == 0) return;
  auto done = std::move(question.done);
  questions_.erase(&question);
  done(fail(Fault::dns_temporary, ub_strerror(error)));
}

void DnsQuestions::on_reply(void* question, int rcode, void* packet, int length, int security,
                            char* why_bogus, int) {
  auto& answered = *static_cast<Question*>(question);
  auto& owner = answered.owner;
  const std::string_view octets(static_cast<const char*>(packet),
                                packet == nullptr ? 0 : static_cast<std::size_t>(length));
  auto done = std::move(answered.done);
  const auto type = answered.type;
  owner.questions_.erase(&answered);
  if (done) done(to_answer(Reply{rcode, octets, security, why_bogus}, type));
}

Result<DnsAnswer> DnsQuestions::to_answer(const Reply& reply, RecordType type) {
  if (reply.security == 1) {
    return fail(Fault::dns_bogus, reply.why_bogus != nullptr ? reply.why_bogus : "bogus");
  }
  if (reply.rcode != 0 && reply.rcode != static_cast<int>(kNoSuchName)) {
    return fail(Fault::dns_temporary, "RCODE " + std::to_string(reply.rcode));
  }
  auto response = decode_response(reply.packet, type);
  if (!response) return fail(Fault::dns_temporary, "malformed answer");
  if (response->rcode != 0 && response->rcode != kNoSuchName) {
    return fail(Fault::dns_temporary, "RCODE " + std::to_string(response->rcode));
  }
  if (reply.security == 2) response->answer.security = DnsSecurity::secure;
  return std::move(response->answer);
}

// libunbound can't forget a question (ub_cancel is for its own threads), so one that was sent stays
// until the reply comes, without anybody to tell.
void DnsQuestions::on_deadline(Question& question) {
  auto done = std::move(question.done);
  question.done = nullptr;
  if (question.sent_to == nullptr) questions_.erase(&question);
  if (done) done(fail(Fault::dns_temporary, "no answer in time"));
}

int DnsQuestions::probe() {
  if (unvalidated_) {
    auto context = make_unbound_context(base_, settings_, true);
    if (!context) return UB_INITFAIL;
    candidate_ = std::move(*context);
  }
  probe_ = Probe::running;
  const auto limit = std::min(settings_.timeout / 2, kProbeLimit);
  auto& question =
      add(anchor_, kDnskey, limit, [this](const Result<DnsAnswer>& answer) { judge(answer); });
  return send(question, unvalidated_ ? candidate_.get() : context_.get());
}

// Called by libunbound, whose context must not be replaced beneath it: so later.
void DnsQuestions::judge(const Result<DnsAnswer>& answer) {
  if (answer) {
    const bool secure = answer->security == DnsSecurity::secure;
    probe_ = secure ? Probe::passed : Probe::failed;
    reason_ = "the trust anchor does not cover " + anchor_;
  } else {
    probe_ = answer.error().fault == Fault::dns_bogus ? Probe::failed : Probe::undecided;
    reason_ = answer.error().detail;
  }
  later(std::chrono::milliseconds(0));
}

void DnsQuestions::later(std::chrono::milliseconds delay) {
  later_.reset(event_new(
      base_, -1, 0, [](int, short, void* self) { static_cast<DnsQuestions*>(self)->on_later(); },
      this));
  const auto wait = to_timeval(delay);
  if (!later_ || event_add(later_.get(), &wait) != 0) std::abort();
}

void DnsQuestions::on_later() {
  holding_ = false;
  switch (std::exchange(probe_, Probe::none)) {
    case Probe::passed:
      if (candidate_) adopt(std::move(candidate_));
      announce(true);
      break;
    case Probe::failed:
      if (!unvalidated_) stop_validating();
      end(std::move(candidate_));
      later(settings_.validate_again);
      break;
    case Probe::undecided:
      end(std::move(candidate_));
      later(unvalidated_ ? settings_.validate_again : kProbeAgain);
      break;
    case Probe::none:
      if (probe() != 0) later(kProbeAgain);
      return;
    case Probe::running:
      return;
  }
  send_waiting();
}

void DnsQuestions::announce(bool validates) {
  validates_.store(validates, std::memory_order_relaxed);
  if (settings_.on_validation) settings_.on_validation(validates, validates ? "" : reason_);
}

void DnsQuestions::stop_validating() {
  auto context = make_unbound_context(base_, settings_, false);
  if (!context) return;
  adopt(std::move(*context));
  unvalidated_ = true;
  announce(false);
}

void DnsQuestions::adopt(UniqueUnboundContext context) {
  unvalidated_ = false;
  std::swap(context, context_);
  end(std::move(context));
}

void DnsQuestions::end(UniqueUnboundContext context) {
  if (!context) return;
  ub_ctx* const ended = context.get();
  context.reset();
  std::erase_if(questions_, [&](const auto& entry) {
    return entry.second->sent_to == ended && !entry.second->done;
  });
  for (const auto& [question, owned] : questions_) {
    if (question->sent_to == ended) question->sent_to = nullptr;
  }
}

void DnsQuestions::send_waiting() {
  std::vector<Question*> waiting;
  for (const auto& [question, owned] : questions_) {
    if (question->sent_to == nullptr) waiting.push_back(question);
  }
  for (auto* question : waiting) send_or_fail(*question);
}

}  // namespace signet::net
