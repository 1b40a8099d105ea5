// Mail that waits is judged again: by itself while it is on hold for its alignment, and released
// when the cause is gone; what an operator releases; and what he sends another way.

#include "relay/pipeline.hpp"

namespace signet {

void Outbound::review(QueueId id, std::move_only_function<void(Result<void>)> done) {
  scope_.spawn(run_review(id, {}, std::move(done)));
}

void Outbound::review_changed(QueueId id, StateChange change,
                              std::move_only_function<void(Result<void>)> done) {
  scope_.spawn(run_review(id, std::move(change), std::move(done)));
}

net::Task<void> Outbound::run_review(QueueId id, StateChange change,
                                     std::move_only_function<void(Result<void>)> done) {
  auto fetched = co_await fetch(id);
  if (!fetched) {
    done(fetched.failure());
    co_return;
  }
  const std::shared_ptr<Delivery> delivery = fetched->delivery;
  const bool is_held = delivery->state.is_held();
  if (change) {
    auto changed = std::make_shared<spool::Message>(*delivery->stored);
    change(changed->record, changed->state);
    delivery->state = changed->state;
    delivery->stored = std::move(changed);
  }
  const spool::Record& record = delivery->record();
  // Own reports are never judged, and what has expired only waits for its report. One that lost its
  // body is held again when it is claimed.
  const bool is_meant = change ? !is_held : is_held;
  const bool is_judged = fetched->body && is_meant && record.origin != spool::Origin::dsn &&
                         services_.clock.now() < record.expires;
  std::string reason;
  if (is_judged) reason = co_await still_held(*delivery, Doubt::goes);
  if (reason.empty()) {
    done({});
  } else {
    done(fail(Fault::not_aligned, reason,
              (change ? "The message keeps its way: " : "The message stays on hold: ") + reason));
  }
}

net::Task<std::string> Outbound::still_held(const Delivery& delivery, Doubt doubt) {
  const spool::Record& record = delivery.record();
  const config::Settings& settings = *delivery.snapshot->settings;
  AlignStage& stage = pipeline_.aligning();
  auto [question, author_keys] = co_await question_about(
      services_.domains, loop_, delivery.snapshot->settings, delivery.stored);
  if (!question) co_return std::string();
  const SteadyTime deadline = stage.deadline(settings);
  auto verifier = std::make_shared<sign::MessageVerifier>(record.header);
  if (!verifier->key_names().empty()) {
    auto fed = co_await feed_body(delivery, *verifier);
    if (!fed) co_return delivery.state.hold_reason;
    question->signatures = co_await stage.check_foreign(verifier, deadline);
  }
  const AlignmentPolicy policy =
      alignment_policy(settings, client_named(settings, record.client), author_keys.get());
  const Alignment alignment = co_await stage.judge(question, policy, deadline);
  const bool is_unknown = alignment.verdict.result == align::VerdictResult::unknown;
  const bool stays = (is_unknown && doubt == Doubt::stays) ||
                     alignment.action == align::Action::hold ||
                     alignment.action == align::Action::refuse;
  co_return stays ? AlignStage::hold_reason(alignment) : std::string();
}

net::Task<Result<void>> Outbound::feed_body(const Delivery& delivery,
                                            sign::MessageVerifier& verifier) {
  if (delivery.body) verifier.body(*delivery.body);
  const spool::Record& record = delivery.record();
  for (std::uint32_t index = 0; index < record.body_chunks; ++index) {
    const auto chunk = co_await net::run_on(
        services_.pool, loop_,
        [&spool = services_.spool, id = record.id, index] { return spool.load_chunk(id, index); });
    if (!chunk) co_return chunk.failure();
    verifier.body(*chunk);
  }
  co_return Result<void>{};
}

}  // namespace signet
