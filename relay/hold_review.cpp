// Held mail is judged again: by itself while it is on hold for its alignment, and released when the
// cause is gone; and whatever an operator releases.
#include <algorithm>

#include "relay/pipeline.hpp"

namespace signet {
namespace {

const config::ClientSettings* client_named(const config::Settings& settings,
                                           const std::string& name) {
  const auto found = std::ranges::find(settings.clients, name, &config::ClientSettings::name);
  return found == settings.clients.end() ? nullptr : &*found;
}

/// The key behind "selector._domainkey.domain", while it is active.
std::optional<std::size_t> key_at(const keys::SigningDomain& domain, std::string_view name) {
  for (std::size_t key = 0; key < domain.active.size(); ++key) {
    if (name == domain.active[key].selector + "._domainkey." + domain.name.text()) return key;
  }
  return std::nullopt;
}

std::string_view domain_in(std::string_view key_name) {
  constexpr std::string_view kMiddle = "._domainkey.";
  const auto at = key_name.find(kMiddle);
  return at == std::string_view::npos ? std::string_view{} : key_name.substr(at + kMiddle.size());
}

}  // namespace

void Outbound::review(QueueId id, std::move_only_function<void(Result<void>)> done) {
  scope_.spawn(run_review(id, std::move(done)));
}

net::Task<void> Outbound::run_review(QueueId id, std::move_only_function<void(Result<void>)> done) {
  auto fetched = co_await fetch(id);
  if (!fetched) {
    done(fetched.failure());
    co_return;
  }
  const std::shared_ptr<Delivery> delivery = fetched->delivery;
  const spool::Record& record = delivery->record();
  // Own reports are never judged, and what has expired only waits for its report. One that lost its
  // body is held again when it is claimed.
  const bool is_judged = fetched->body && delivery->state.is_held() &&
                         record.origin != spool::Origin::dsn &&
                         services_.clock.now() < record.expires;
  std::string reason;
  if (is_judged) reason = co_await still_held(*delivery, Doubt::goes);
  if (reason.empty()) {
    done({});
  } else {
    done(fail(Fault::not_aligned, reason, "The message stays on hold: " + reason));
  }
}

net::Task<std::string> Outbound::still_held(const Delivery& delivery, Doubt doubt) {
  const spool::Record& record = delivery.record();
  const config::Settings& settings = *delivery.snapshot->settings;
  AlignStage& stage = pipeline_.aligning();
  const auto author = Domain::parse(record.author_domain);
  const align::WaysOut ways = AlignStage::ways_out(settings, *delivery.stored);
  if (!author || !ways.leads_outside) co_return std::string();
  auto question = std::make_shared<align::Question>(
      align::Question{.author = *author,
                      .sender = record.envelope.sender,
                      .points = ways.points,
                      .some_address_unknown = ways.some_address_unknown});
  std::shared_ptr<const keys::SigningDomain> author_keys;
  for (const std::string& name : record.signed_by) {
    const auto domain = Domain::parse(domain_in(name));
    if (!domain) continue;
    auto found = co_await services_.domains.find(loop_, *domain);
    if (!found) continue;
    if (*domain == *author) author_keys = *found;
    if (const auto key = key_at(**found, name)) question->keys.push_back({*found, *key});
  }
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
