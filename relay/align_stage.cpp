#include "relay/align_stage.hpp"

#include <map>

#include "relay/route/diversion.hpp"

namespace signet {
namespace {

using align::SignatureWorth;

SignatureWorth worth_of(sign::SignatureResult result) {
  if (result == sign::SignatureResult::pass) return SignatureWorth::usable;
  return result == sign::SignatureResult::temperror ? SignatureWorth::unknown
                                                    : SignatureWorth::useless;
}

std::string_view name_of(align::CacheEvent event) {
  constexpr std::array<std::string_view, 5> kNames{"hit", "miss", "refresh", "evicted", "refused"};
  return kNames[static_cast<std::size_t>(event)];
}

Result<std::string> record_of(const std::shared_ptr<const align::Texts>& texts) {
  if (!texts || !texts->error.empty()) return fail(Fault::dns_temporary);
  if (texts->texts.empty()) return fail(Fault::dns_no_domain);
  if (texts->texts.size() > 1) return fail(Fault::bad_parameter, "several key records");
  return texts->texts.front();
}

}  // namespace

AlignmentPolicy alignment_policy(const config::Settings& settings,
                                 const config::ClientSettings* client,
                                 const keys::SigningDomain* domain) {
  if (domain != nullptr && domain->alignment) return *domain->alignment;
  if (client != nullptr && client->alignment) return *client->alignment;
  return settings.alignment.policy;
}

AlignStage::AlignStage(AlignParts parts, net::Loop& loop)
    : parts_(parts),
      predictor_(parts.resolver, loop, parts.clock, parts.suffixes, predictor_options()) {}

align::Predictor::Options AlignStage::predictor_options() {
  return {.check_host = &align::check_host,
          .on_cache =
              [&metrics = parts_.metrics](align::CacheKind kind, align::CacheEvent event) {
                metrics.verdict_cache(align::name_of(kind), name_of(event));
              },
          .on_spf =
              [&metrics = parts_.metrics](const std::string& domain, const IpAddress& address,
                                          const align::SpfResult& result) {
                metrics.spf_result(domain, address.to_string(), align::name_of(result.outcome),
                                   result.lookups);
              }};
}

align::WaysOut AlignStage::ways_out(const config::Settings& settings,
                                    const config::ClientSettings* client,
                                    const Envelope& envelope) {
  return settings.alignment.enabled ? all_ways_out(settings, client, envelope) : align::WaysOut{};
}

align::WaysOut AlignStage::all_ways_out(const config::Settings& settings,
                                        const config::ClientSettings* client,
                                        const Envelope& envelope) {
  align::WaysOut ways;
  for (const Recipient& recipient : envelope.recipients) {
    const auto* route = route::find_route(settings, recipient.address.domain);
    if (route == nullptr) continue;
    const auto* pool = route::find_pool(settings, route::choose_pool(settings, *route, client));
    align::add_ways(*route, pool, !envelope.sender, ways);
  }
  return ways;
}

align::WaysOut AlignStage::ways_out(std::shared_ptr<const config::Settings> settings,
                                    const spool::Message& message) {
  align::WaysOut ways;
  if (!settings->alignment.enabled) return ways;
  for (const spool::RecipientState& state : message.state.recipients) {
    const auto [route, by, is_made] =
        route::route_of(settings, state.rerouted_to, state.recipient.address.domain);
    if (!route) continue;
    align::add_ways(*route, route::find_pool(*settings, state.pool),
                    !message.record.envelope.sender, ways);
  }
  return ways;
}

net::Task<std::vector<align::ForeignSignature>> AlignStage::check_foreign(
    std::shared_ptr<sign::MessageVerifier> verifier, SteadyTime deadline) {
  std::map<std::string, std::shared_ptr<const align::Texts>> texts;
  for (const std::string& name : verifier->key_names()) {
    texts[name] = co_await predictor_.key_texts(name, deadline);
  }
  const auto verdicts =
      verifier->finish([&](const std::string& name) { return record_of(texts[name]); },
                       unix_seconds(parts_.clock.now()));
  std::vector<align::ForeignSignature> signatures;
  signatures.reserve(verdicts.size());
  for (const sign::SignatureVerdict& verdict : verdicts) {
    signatures.push_back({.domain = verdict.domain,
                          .name = verdict.selector + "._domainkey." + verdict.domain,
                          .worth = worth_of(verdict.result),
                          .words = verdict.reason});
  }
  co_return signatures;
}

net::Task<align::Evidence> AlignStage::examine(std::shared_ptr<const align::Question> question,
                                               SteadyTime deadline) {
  auto known = predictor_.cached(*question);
  if (known) co_return std::move(*known);
  auto asked = co_await predictor_.gather(std::move(question), deadline);
  co_return asked;
}

Alignment AlignStage::conclude(const align::Evidence& evidence, AlignmentPolicy policy) {
  Alignment alignment{.verdict = align::decide_verdict(evidence)};
  alignment.action = align::decide_action(alignment.verdict, policy);
  return alignment;
}

net::Task<Alignment> AlignStage::judge(std::shared_ptr<const align::Question> question,
                                       AlignmentPolicy policy, SteadyTime deadline) {
  const SteadyTime began = parts_.clock.steady();
  const align::Evidence evidence = co_await examine(question, deadline);
  Alignment alignment = conclude(evidence, policy);
  tell(*question, alignment, began);
  co_return alignment;
}

void AlignStage::tell(const align::Question& question, const Alignment& alignment,
                      SteadyTime began) {
  const align::Verdict& verdict = alignment.verdict;
  monitoring::Metrics& metrics = parts_.metrics;
  const std::string& domain = question.author.text();
  metrics.alignment(domain, align::name_of(verdict.result), align::name_of(verdict.reason),
                    align::name_of(alignment.action));
  metrics.strict_alignment(domain, align::name_of(verdict.strict));
  if (verdict.worlds_differ) metrics.worlds_differ(domain);
  metrics.stage_took(
      monitoring::Stage::align,
      std::chrono::duration_cast<std::chrono::microseconds>(parts_.clock.steady() - began));
}

Error AlignStage::refusal(const Alignment& alignment) {
  return {.fault = Fault::not_aligned,
          .detail = alignment.verdict.words,
          .text = alignment.verdict.words};
}

}  // namespace signet
