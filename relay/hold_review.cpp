// Mail on hold for its alignment is judged again: released when the cause is gone.
#include "relay/pipeline.hpp"

namespace signet {

net::Task<std::string> Outbound::still_held(const Delivery& delivery) {
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
  // What can't be known now is no reason to let go of it.
  const bool stays = alignment.verdict.result == align::VerdictResult::unknown ||
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
