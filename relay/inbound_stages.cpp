// The stages of a message's way in, each from named inputs to its own result (order: pipeline.cpp).
#include <spdlog/spdlog.h>

#include <set>

#include "relay/pipeline.hpp"
#include "relay/sign/plan.hpp"
#include "relay/smtp/utf8.hpp"
#include "relay/stopwatch.hpp"

namespace signet {
namespace {

constexpr std::size_t kOwnHops =
    3;  // A forwarding client may send a message through us twice; more is a loop.

Result<void> apply_rewrite(const config::Settings& settings, Parsed& parsed, Mailbox author) {
  Mailbox rewritten = authorise::rewrite(settings, author);
  if (rewritten == author) return {};
  auto replaced = parse::replace_author(parsed.header, rewritten);
  if (!replaced) return replaced;
  parsed.written_author = std::move(author.domain);
  parsed.author = rewritten.domain;
  return {};
}

}  // namespace

Result<Parsed> Pipeline::parse(const Arrival& arrival, std::string block) {
  const Stopwatch watch(services_, monitoring::Stage::parse);
  const config::Settings& settings = *arrival.snapshot->settings;
  auto header = parse::MessageHeader::parse(
      std::move(block),
      {.bytes = settings.limits.header_bytes, .fields = settings.limits.header_fields});
  if (!header) return header.failure();
  if (parse::hops(*header) >= settings.limits.hops)
    return fail(Fault::mail_loop, "hop limit reached");
  if (parse::hops_through(*header, settings.hostname) >= kOwnHops)
    return fail(Fault::mail_loop, "came through here before");
  auto author = parse::find_author(*header, arrival.envelope.utf8);
  if (!author) return author.failure();
  Parsed parsed{std::move(*header), author->address.domain};
  auto rewritten = apply_rewrite(settings, parsed, std::move(author->address));
  if (!rewritten) return rewritten.failure();
  auto room = services_.held_mail.check_room(parsed.author.text(), settings.limits);
  if (!room) return room.failure();
  watch.stop();
  return parsed;
}

net::Task<Result<Keys>> Pipeline::find_keys(std::shared_ptr<const Snapshot> snapshot,
                                            std::optional<Domain> author) {
  auto keys = co_await signet::find_keys(services_.domains, loop_, snapshot->settings, author);
  // A domain of the store is as much ours as one that a client lists.
  if (keys && keys->author)
    services_.metrics.allow(monitoring::Metrics::Label::domain, author->text());
  co_return keys;
}

Result<authorise::Authorship> Pipeline::authorise(const Arrival& arrival, const Parsed& parsed,
                                                  const Keys& keys) {
  const Stopwatch watch(services_, monitoring::Stage::authorise);
  auto authorship = authorise::check_author(*arrival.client, parsed.author, keys.author != nullptr);
  watch.stop();
  return authorship;
}

Result<void> Pipeline::complete(const Arrival& arrival, Parsed& parsed,
                                authorise::Authorship authorship) {
  const bool own = authorship == authorise::Authorship::own;
  const bool may_be_utf8 = arrival.envelope.utf8 && smtp::is_utf8(parsed.header.block());
  if (parsed.header.has_eight_bit() && !may_be_utf8) {
    if (arrival.envelope.utf8 && !own)
      return fail(Fault::header_eight_bit, "not UTF-8", "Message header is not UTF-8 (RFC 6532)");
    if (!own || !arrival.client->repair.eight_bit_header) return fail(Fault::header_eight_bit);
    for (const std::string& field : parse::encode_eight_bit_header(parsed.header)) {
      services_.log.write(report::Fact("repaired", services_.clock.now())
                              .with("id", arrival.id)
                              .with("client", arrival.client->name)
                              .with("repair", "eight_bit_header")
                              .with("field", field));
    }
    services_.metrics.repaired("eight_bit_header");
    if (parsed.header.has_eight_bit()) return fail(Fault::header_eight_bit);
  }
  parsed.tls_optional = own && parse::says_tls_is_optional(parsed.header);
  if (own)
    parse::complete_own_mail(parsed.header, parsed.author, arrival.id.to_string(),
                             arrival.received);
  parsed.header.prepend(parse::received_field(
      {.hostname = arrival.snapshot->settings->hostname,
       .helo = arrival.facts.helo,
       .peer_address = arrival.facts.peer.unix_user ? "" : arrival.facts.peer.address.to_string(),
       .protocol = arrival.facts.protocol,
       .queue_id = arrival.id.to_string(),
       .tls = arrival.facts.tls,
       .now = arrival.received}));
  return {};
}

Result<sign::Plan> Pipeline::plan(const Arrival& arrival, const Parsed& parsed, const Keys& keys,
                                  authorise::Authorship authorship, bool will_be_judged) {
  const Stopwatch watch(services_, monitoring::Stage::plan);
  const bool own = authorship == authorise::Authorship::own;
  auto planned = plan_signatures({.settings = *arrival.snapshot->settings,
                                  .client = arrival.client,
                                  .author = parsed.author,
                                  .keys = keys,
                                  .authorship = authorship,
                                  .lot = sign::lot_of(arrival.id),
                                  .will_be_judged = will_be_judged});
  if (!planned) return planned.failure();
  sign::Plan& plan = *planned;
  if (!plan.signatures.empty() && !services_.clock_watch.is_steady()) {
    return fail(Fault::clock_unsteady, "t= and x= would be wrong");
  }
  if (plan.signatures.empty() && !will_be_judged) {
    services_.metrics.message_unsigned(parsed.author.text(),
                                       own ? "domain_without_key" : "foreign_from");
  }
  watch.stop();
  return planned;
}

net::Task<Result<Alignment>> Pipeline::align(std::shared_ptr<const align::Question> question,
                                             const Arrival& arrival,
                                             std::shared_ptr<const keys::SigningDomain> domain,
                                             SteadyTime deadline) {
  const AlignmentPolicy policy =
      alignment_policy(*arrival.snapshot->settings, arrival.client, domain.get());
  auto alignment = co_await aligning_.judge(question, policy, deadline);
  const align::Verdict& verdict = alignment.verdict;
  if (verdict.result != align::VerdictResult::pass || verdict.strict != verdict.result ||
      verdict.worlds_differ) {
    services_.log.write(report::Fact("verdict", services_.clock.now())
                            .with("id", arrival.id)
                            .with("client", arrival.client->name)
                            .with("from_domain", question->author.text())
                            .with("verdict", align::name_of(verdict.result))
                            .with("reason", align::name_of(verdict.reason))
                            .with("words", verdict.words)
                            .with("strict", align::name_of(verdict.strict))
                            .with("by_list", align::name_of(verdict.by_list))
                            .with("policy", align::name_of(verdict.policy.policy))
                            .with("action", align::name_of(alignment.action)));
  }
  if (alignment.action == align::Action::refuse) co_return fail(AlignStage::refusal(alignment));
  if (question->keys.empty()) {
    const bool by_spf = verdict.reason == align::VerdictReason::aligned_by_spf_alone;
    services_.metrics.message_unsigned(question->author.text(), question->is_foreign
                                                                    ? "foreign_from"
                                                                : by_spf ? "aligned_by_spf_alone"
                                                                         : "domain_without_key");
  }
  co_return alignment;
}

// The one whose word counts is ours: what came in under that name goes.
void Pipeline::tag(Parsed& parsed, const Alignment& alignment) {
  constexpr std::string_view kName = "X-Signet-Alignment";
  parsed.header.remove(kName);
  parsed.header.prepend(std::string(kName) + ": " +
                        align::tag_value(alignment.verdict, parsed.author.text()) + "\r\n");
}

void Pipeline::count_signatures(const sign::Plan& plan) {
  for (const sign::PlannedSignature& signature : plan.signatures) {
    services_.metrics.signature_made(
        signature.domain->name.text(),
        keys::name_of(signature.domain->keys[signature.key].key.algorithm()));
  }
}

void Pipeline::remember(const Arrival& arrival, const Parsed& parsed) {
  std::set<Domain> seen;
  for (const Recipient& recipient : arrival.envelope.recipients) {
    if (!seen.insert(recipient.address.domain).second) continue;
    const ReversePath& sender = arrival.envelope.sender;
    services_.recent_mail.note({.client = arrival.client->name,
                                .peer = arrival.facts.peer,
                                .author = parsed.written_author.value_or(parsed.author),
                                .sender = sender ? std::optional(sender->domain) : std::nullopt,
                                .recipient = recipient.address.domain},
                               arrival.received);
  }
}

net::Task<Result<QueueId>> Pipeline::store(const Arrival& arrival, Parsed parsed,
                                           sign::Signed signatures, BodyCollector& body,
                                           bool has_eight_bit, spool::Origin origin,
                                           std::string hold_reason) {
  const Stopwatch watch(services_, monitoring::Stage::spool);
  const config::Settings& settings = *arrival.snapshot->settings;
  auto message = std::make_shared<spool::Message>();
  spool::Record& record = message->record;
  record.id = arrival.id;
  record.origin = origin;
  record.received = arrival.received;
  record.expires = schedule::expiry(settings.queue, !arrival.envelope.sender, arrival.received);
  record.client = arrival.client ? arrival.client->name : "";
  record.peer = authorise::to_string(arrival.facts.peer);
  record.envelope = arrival.envelope;
  record.envelope.recipients.clear();
  record.author_domain = parsed.author.text();
  record.tls_optional = parsed.tls_optional;
  record.has_eight_bit = has_eight_bit || parsed.header.has_eight_bit();
  record.header = std::move(parsed.header).take_block();
  services_.metrics.stage_took(monitoring::Stage::verify, signatures.verifying);
  record.signatures = std::move(signatures.fields);
  record.signed_by = std::move(signatures.signed_by);
  record.body_size = body.size();
  record.body_chunks = body.chunks();
  message->state.due = arrival.received;
  if (!hold_reason.empty()) {
    message->state.hold_reason = std::move(hold_reason);
    message->state.held_since = arrival.received;
    message->state.due = arrival.received + settings.alignment.reevaluate;
  }
  const auto status =
      message->state.is_held() ? spool::RecipientStatus::held : spool::RecipientStatus::queued;
  for (const Recipient& recipient : arrival.envelope.recipients) {
    const config::RouteSettings* route = route::find_route(settings, recipient.address.domain);
    if (!route) co_return fail(Fault::recipient_not_routable, recipient.address.to_string());
    message->state.recipients.push_back(
        {.recipient = recipient,
         .route = route->name,
         .pool = route::choose_pool(settings, *route, arrival.client),
         .status = status,
         .last_reply = {}});
  }
  std::shared_ptr<const std::string> inline_body = body.take_inline();
  services_.in_memory.insert(record.id);
  // From here on the spool decides: were this task destroyed while the commit is under way,
  // dropping the chunks would damage a stored message. Those of a failed one go below.
  body.keep();
  auto stored = co_await net::completion<Result<void>>(loop_, [&](auto done) {
    services_.spool.store(message,
                          inline_body ? inline_body : std::make_shared<const std::string>(), loop_,
                          std::move(done));
  });
  if (!stored) {
    services_.in_memory.erase(record.id);
    if (record.body_chunks > 0) services_.spool.drop_chunks(record.id, record.body_chunks);
    co_return stored.failure();
  }
  watch.stop();
  if (arrival.client) {
    services_.metrics.message_accepted(arrival.client->name,
                                       record.header.size() + record.body_size);
    remember(arrival, parsed);
  }
  services_.log.write(
      report::Fact("received", arrival.received)
          .with("id", record.id)
          .with("client", record.client)
          .with("peer", record.peer)
          .with("sender", to_string(record.envelope.sender))
          .with("from_domain", record.author_domain)
          .with("recipients", static_cast<std::int64_t>(message->state.recipients.size()))
          .with("bytes", static_cast<std::int64_t>(record.header.size() + record.body_size))
          .with("signed_by", record.signed_by));
  if (message->state.is_held()) {
    services_.held_mail.changed(record, {}, message->state.hold_reason);
    services_.log.write(report::Fact("held", arrival.received)
                            .with("id", record.id)
                            .with("reason", message->state.hold_reason));
    services_.in_memory.erase(record.id);
    co_return arrival.id;
  }
  outbound_.take(message, std::move(inline_body), arrival.snapshot);
  co_return arrival.id;
}

}  // namespace signet
