#include "relay/pipeline.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "relay/sign/plan.hpp"
#include "relay/smtp/characters.hpp"
#include "relay/stopwatch.hpp"

namespace signet {

using monitoring::Stage;

namespace {

constexpr std::size_t kSlice = 64U << 10U;  // Then others of the loop have their turn.

struct Reencoded {
  parse::MessageHeader header;
  std::string body;
};

Result<Reencoded> reencode(parse::MessageHeader header, const std::string& body) {
  auto encoded = parse::reencode_long_lines(header, body);
  if (!encoded) return encoded.failure();
  return Reencoded{std::move(header), std::move(*encoded)};
}

}  // namespace

/// The way in of one message: the order of the stages, and what one hands to the next.
class Reception final : public accept::Intake {
 public:
  Reception(Pipeline& pipeline, Arrival arrival)
      : pipeline_(pipeline),
        arrival_(std::move(arrival)),
        repair_(arrival_.client->repair),
        body_(pipeline.services_, pipeline.loop_, arrival_.id,
              arrival_.snapshot->settings->limits.session_memory_bytes),
        whole_memory_(pipeline.services_.memory,
                      arrival_.snapshot->settings->limits.session_memory_bytes) {}

  [[nodiscard]] smtp::DataDecoder::Options framing() const override {
    return {
        .max_line = 998, .allow_long_lines = repair_.long_lines, .repair_bare_lf = repair_.bare_lf};
  }

  [[nodiscard]] net::Task<Result<void>> header(std::string block) override {
    auto parsed = pipeline_.parse(arrival_, std::move(block));
    if (!parsed) co_return refused(parsed.error());
    const bool may_be_own = authorise::may_be_own(*arrival_.client, parsed->author);
    auto keys = co_await pipeline_.find_keys(
        arrival_.snapshot, may_be_own ? std::optional(parsed->author) : std::nullopt);
    if (!keys) co_return refused(keys.error());
    const auto authorship = pipeline_.authorise(arrival_, *parsed, *keys);
    if (!authorship) co_return refused(authorship.error());
    auto completed = pipeline_.complete(arrival_, *parsed, *authorship);
    if (!completed) co_return refused(completed.error());
    const auto ways =
        AlignStage::ways_out(*arrival_.snapshot->settings, arrival_.client, arrival_.envelope);
    auto plan = pipeline_.plan(arrival_, *parsed, *keys, *authorship, ways.leads_outside);
    if (!plan) co_return refused(plan.error());
    is_own_ = *authorship == authorise::Authorship::own;
    parsed_.emplace(std::move(*parsed));
    plan_ = std::move(*plan);
    keys_ = std::move(*keys);
    if (ways.leads_outside) ask_later(ways);
    if (is_own_ && question_) {
      auto aligned = co_await align();
      if (!aligned) co_return refused(aligned.error());
    }
    // A body that may yet be re-encoded changes the header, and foreign mail is judged by its body:
    // it is signed when it is whole.
    signs_whole_ = repair_.long_lines || (question_ && !plan_.signatures.empty());
    if (signs_whole_) co_return Result<void>{};
    auto begun = begin_signing();
    co_return begun;
  }

  [[nodiscard]] net::Task<Result<void>> body(std::string_view slice) override {
    if (foreign_) foreign_->body(slice);
    if (signs_whole_) {
      if (!whole_memory_.grow_to(whole_.size() + slice.size())) co_return refused(memory_short());
      whole_.append(slice);
      co_return Result<void>{};
    }
    auto hashed = signing_->body(slice);
    if (!hashed) co_return refused(hashed.error());
    auto added = co_await body_.add(slice);
    if (!added) co_return refused(added.error());
    co_return added;
  }

  [[nodiscard]] net::Task<Result<QueueId>> end(const smtp::DataDecoder& decoder) override {
    // Foreign mail is not edited: others may have signed it.
    if (!is_own_ && decoder.repaired_bare_lf())
      co_return refused({Fault::bare_newline, "in foreign mail"});
    bool has_eight_bit = decoder.saw_eight_bit();
    if (foreign_) {
      auto aligned = co_await align();
      if (!aligned) co_return refused(aligned.error());
    }
    if (signs_whole_) {
      auto repaired = co_await sign_whole(decoder);
      if (!repaired) co_return refused(repaired.error());
      has_eight_bit = *repaired;
    }
    if (decoder.repaired_bare_lf()) note_repair("bare_lf");
    const Stopwatch signing_time(pipeline_.services_, Stage::sign);
    auto signatures = signing_->finish();
    signing_time.stop();
    if (!signatures) co_return refused(signatures.error());
    pipeline_.count_signatures(plan_);
    auto finished = co_await body_.finish();
    if (!finished) co_return refused(finished.error());
    auto stored =
        co_await pipeline_.store(arrival_, std::move(*parsed_), std::move(*signatures), body_,
                                 has_eight_bit, spool::Origin::client, std::move(hold_reason_));
    if (!stored) co_return refused(stored.error());
    co_return stored;
  }

 private:
  void ask_later(const align::WaysOut& ways) {
    question_ = std::make_shared<align::Question>(
        align::Question{.author = parsed_->author,
                        .sender = arrival_.envelope.sender,
                        .points = ways.points,
                        .some_address_unknown = ways.some_address_unknown,
                        .is_foreign = !is_own_});
    for (const sign::PlannedSignature& signature : plan_.signatures)
      question_->keys.push_back({signature.domain, signature.key});
    if (!is_own_) foreign_ = std::make_shared<sign::MessageVerifier>(parsed_->header.block());
  }

  [[nodiscard]] net::Task<Result<void>> align() {
    const SteadyTime deadline = pipeline_.aligning_.deadline(*arrival_.snapshot->settings);
    if (foreign_) {
      question_->signatures = co_await pipeline_.aligning_.check_foreign(foreign_, deadline);
    }
    auto alignment =
        co_await pipeline_.align(std::move(question_), arrival_, keys_.author, deadline);
    if (!alignment) co_return alignment.failure();
    if (alignment->action == align::Action::tag) Pipeline::tag(*parsed_, *alignment);
    if (alignment->action == align::Action::hold)
      hold_reason_ = AlignStage::hold_reason(*alignment);
    co_return Result<void>{};
  }

  [[nodiscard]] Result<void> begin_signing() {
    auto signing = pipeline_.signer_->begin(plan_, parsed_->header.block(), arrival_.received);
    if (!signing) return refused(signing.error());
    signing_ = std::move(*signing);
    return {};
  }

  /// True if the body is 8-bit as it leaves.
  [[nodiscard]] net::Task<Result<bool>> sign_whole(const smtp::DataDecoder& decoder) {
    if (decoder.saw_long_line()) {
      auto encoded = co_await reencode_whole();
      if (!encoded) co_return encoded.failure();
    }
    auto begun = begin_signing();
    if (!begun) co_return begun.failure();
    for (std::string_view rest = whole_; !rest.empty();
         rest.remove_prefix(std::min(rest.size(), kSlice))) {
      auto hashed = signing_->body(rest.substr(0, kSlice));
      if (!hashed) co_return hashed.failure();
      auto added = co_await body_.add(rest.substr(0, kSlice));
      if (!added) co_return added.failure();
      if (rest.size() > kSlice) co_await pipeline_.loop_.turn();
    }
    const bool has_eight_bit = smtp::has_eight_bit(whole_);
    whole_ = {};
    whole_memory_.drop();
    co_return has_eight_bit;
  }

  [[nodiscard]] net::Task<Result<void>> reencode_whole() {
    if (!is_own_) co_return fail(Fault::line_over_998, "in foreign mail");
    auto encoded = co_await net::run_on(
        pipeline_.services_.pool, pipeline_.loop_,
        [header = std::move(parsed_->header), body = std::move(whole_)]() mutable {
          return reencode(std::move(header), body);
        });
    if (!encoded) co_return encoded.failure();
    parsed_->header = std::move(encoded->header);
    whole_ = std::move(encoded->body);
    if (!whole_memory_.grow_to(whole_.size())) co_return fail(memory_short());
    note_repair("long_lines");
    co_return Result<void>{};
  }

  [[nodiscard]] Error memory_short() {
    pipeline_.services_.metrics.limit_hit("session_memory");
    return {Fault::memory_short, "session memory budget is used up"};
  }

  void note_repair(std::string_view repair) {
    pipeline_.services_.metrics.repaired(repair);
    pipeline_.services_.log.write(report::Fact("repaired", pipeline_.services_.clock.now())
                                      .with("id", arrival_.id)
                                      .with("client", arrival_.client->name)
                                      .with("repair", repair));
  }

  [[nodiscard]] Failure refused(const Error& error) {
    Services& services = pipeline_.services_;
    services.metrics.message_refused(arrival_.client->name, error.fault);
    if (error.fault == Fault::signature_wrong) {
      services.metrics.signature_wrong(parsed_ ? parsed_->author.text() : "");
      spdlog::critical("own signature does not verify: {} ({})", arrival_.id.to_string(),
                       error.detail);
    }
    services.log.write(report::Fact("refused", services.clock.now())
                           .with("id", arrival_.id)
                           .with("client", arrival_.client->name)
                           .with("peer", arrival_.facts.peer.address.to_string())
                           .with("sender", to_string(arrival_.envelope.sender))
                           .with("cause", row(error.fault).name)
                           .with("detail", error.detail));
    return fail(error);
  }

  Pipeline& pipeline_;
  Arrival arrival_;
  const config::RepairSettings& repair_;
  std::optional<Parsed> parsed_;
  sign::Plan plan_;
  Keys keys_;
  std::shared_ptr<align::Question> question_;       // Until it is answered; null: nothing to ask.
  std::shared_ptr<sign::MessageVerifier> foreign_;  // Signatures of mail that is not ours.
  std::string hold_reason_;
  std::unique_ptr<sign::Signing> signing_;
  BodyCollector body_;
  bool is_own_ = false;
  bool signs_whole_ = false;
  std::string whole_;  // Only if it signs the whole.
  MemoryShare whole_memory_;
};

Pipeline::Pipeline(Services& services, net::Loop& loop, std::unique_ptr<sign::Signer> signer)
    : services_(services),
      loop_(loop),
      signer_(std::move(signer)),
      aligning_({services.clock, services.metrics, services.resolver, services.suffixes}, loop),
      outbound_(services, loop, *this) {}

std::unique_ptr<accept::Intake> Pipeline::receive(Arrival arrival) {
  return std::make_unique<Reception>(*this, std::move(arrival));
}

net::Task<Result<QueueId>> Pipeline::submit(report::DsnMessage message, Mailbox from, Mailbox to,
                                            std::shared_ptr<const Snapshot> snapshot) {
  const WallTime now = services_.clock.now();
  Arrival arrival{.snapshot = std::move(snapshot),
                  .facts = {},
                  .envelope = {},
                  .id = services_.ids.next(now),
                  .received = now};
  arrival.envelope.recipients.push_back(Recipient{std::move(to), {}});
  arrival.envelope.utf8 = message.utf8;
  arrival.envelope.require_tls = message.require_tls;
  auto header = parse::MessageHeader::parse(std::move(message.header), {});
  if (!header) co_return header.failure();
  Parsed parsed{std::move(*header), from.domain};
  auto keys = co_await find_keys(arrival.snapshot, parsed.author);
  if (!keys) co_return keys.failure();
  auto plan = this->plan(arrival, parsed, *keys, authorise::Authorship::own, false);
  if (!plan) co_return plan.failure();
  auto signing = signer_->begin(*plan, parsed.header.block(), now);
  if (!signing) co_return signing.failure();
  auto hashed = (*signing)->body(message.body);
  if (!hashed) co_return hashed.failure();
  auto signatures = (*signing)->finish();
  if (!signatures) co_return signatures.failure();
  count_signatures(*plan);
  BodyCollector body(services_, loop_, arrival.id, UINT64_MAX);
  auto added = co_await body.add(message.body);
  if (!added) co_return added.failure();
  auto finished = co_await body.finish();
  if (!finished) co_return finished.failure();
  auto stored = co_await store(arrival, std::move(parsed), std::move(*signatures), body,
                               message.eight_bit, spool::Origin::dsn);
  co_return stored;
}

}  // namespace signet
