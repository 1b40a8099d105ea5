#include "relay/explainer.hpp"

#include <algorithm>

#include "relay/explanation_json.hpp"
#include "relay/route/diversion.hpp"
#include "relay/smtp/command.hpp"

namespace signet {
namespace {

using nlohmann::json;

Failure wrong(const std::string& what) { return fail(Fault::bad_parameter, what, what); }

Result<Mailbox> read_mailbox(const char* option, const std::string& text) {
  auto mailbox = smtp::parse_mailbox(text, true);
  if (!mailbox) return wrong(std::string(option) + " is not an address: " + text);
  return mailbox;
}

/// A client by name, by where it comes from, or the first whose domains take in the author's; where
/// none does, one that hears so.
Result<const config::ClientSettings*> pick_client(const config::Settings& settings,
                                                  const admin::Hypothesis& asked,
                                                  const Domain& author, json& told) {
  if (!asked.client.empty()) {
    const auto* named = client_named(settings, asked.client);
    if (named == nullptr) return wrong("there is no client " + asked.client);
    told = explain::client_json(*named, "named in the question");
    return named;
  }
  if (!asked.address.empty() || !asked.user.empty()) {
    authorise::Peer peer{.address = {}, .user = asked.user, .certificate_fingerprint = {}};
    if (!asked.address.empty()) {
      const auto address = IpAddress::parse(asked.address);
      if (!address) return wrong("not an IP address: " + asked.address);
      peer.address = *address;
    }
    const auto match = authorise::match_client(settings, peer);
    if (match.client != nullptr)
      told = explain::client_json(*match.client, explain::how_matched(match, peer));
    return match.client;
  }
  for (const auto& client : settings.clients) {
    if (!authorise::may_be_own(client, author)) continue;
    told = explain::client_json(client, "the first whose domains take in " + author.text());
    return &client;
  }
  if (settings.clients.empty()) return static_cast<const config::ClientSettings*>(nullptr);
  const auto& any = settings.clients.front();
  told = explain::client_json(any, "one for all, as no client's domains take in " + author.text());
  return &any;
}

}  // namespace

Result<Explainer::Situation> Explainer::understand(std::shared_ptr<const config::Settings> settings,
                                                   const admin::Hypothesis& asked,
                                                   json& told) const {
  auto author = read_mailbox("from", asked.from);
  if (!author) return author.failure();
  Situation situation{.settings = settings,
                      .author = *author,
                      .envelope = {},
                      .deadline = aligning_.deadline(*settings)};
  situation.envelope.sender = *author;
  if (asked.sender == "<>") situation.envelope.sender.reset();
  if (!asked.sender.empty() && asked.sender != "<>") {
    auto sender = read_mailbox("sender", asked.sender);
    if (!sender) return sender.failure();
    situation.envelope.sender = std::move(*sender);
  }
  for (const std::string& text : asked.to) {
    auto recipient = read_mailbox("to", text);
    if (!recipient) return recipient.failure();
    situation.envelope.recipients.push_back({std::move(*recipient), {}});
  }
  const Domain author_domain = authorise::rewrite(*settings, situation.author).domain;
  auto client = pick_client(*settings, asked, author_domain, told["client"]);
  if (!client) return client.failure();
  situation.client = *client;
  return situation;
}

net::Task<Result<json>> Explainer::explain(std::shared_ptr<const config::Settings> settings,
                                           admin::Hypothesis asked) {
  json told;
  auto situation = understand(settings, asked, told);
  if (!situation) co_return situation.failure();
  const auto outcome = co_await come_in(*situation, told);
  told["outcome"] = outcome ? explain::accepted_json(told) : explain::refusal_json(outcome.error());
  told["recipients"] = json::array();
  for (const Recipient& recipient : situation->envelope.recipients) {
    auto way = co_await way_out(settings, situation->client, recipient.address, std::nullopt, {});
    told["recipients"].push_back(std::move(way));
  }
  told["limits"] = explain::limits_json(*settings, situation->client);
  co_return told;
}

net::Task<Outlook> Explainer::outlook(std::shared_ptr<const config::Settings> settings,
                                      MailKind kind, SteadyTime deadline, Judged judged) {
  const auto at = [](const Domain& domain) { return Mailbox{"postmaster", domain}; };
  const auto* client = kind.peer ? authorise::find_client(*settings, *kind.peer)
                                 : client_named(*settings, kind.client);
  Situation situation{.settings = settings,
                      .client = client,
                      .author = at(kind.author),
                      .envelope = {},
                      .deadline = std::min(deadline, aligning_.deadline(*settings)),
                      .judged = judged};
  if (kind.sender) situation.envelope.sender = at(*kind.sender);
  situation.envelope.recipients.push_back({at(kind.recipient), {}});
  json told;
  if (client != nullptr) told["client"] = explain::client_json(*client, "");
  const auto outcome = co_await come_in(situation, told);
  told["outcome"] = outcome ? explain::accepted_json(told) : explain::refusal_json(outcome.error());
  told["recipients"] = json::array();
  told["recipients"].push_back(static_way(*settings, route::match_route(*settings, kind.recipient),
                                          client, at(kind.recipient), std::nullopt));
  told["limits"] = explain::limits_json(*settings, client);
  co_return outlook_of(told);
}

// The order of FrontDoor::mail(), rcpt() and Reception::header().
net::Task<Result<void>> Explainer::come_in(Situation& situation, json& told) {
  const config::Settings& settings = *situation.settings;
  const config::ClientSettings* client = situation.client;
  if (client == nullptr) co_return fail(Fault::client_unknown);
  ReversePath& sender = situation.envelope.sender;
  const std::string written = to_string(sender);
  if (sender) sender = authorise::rewrite(settings, *sender);
  told["sender"] = explain::rewritten_json(written, to_string(sender));
  bool in_store = false;
  if (sender && client->all_domains) {
    in_store =
        co_await is_in_store(parts_.domains, parts_.loop, situation.settings, sender->domain);
  }
  auto allowed = authorise::check_sender(*client, sender, in_store);
  if (!allowed) co_return allowed;
  for (const Recipient& recipient : situation.envelope.recipients) {
    if (!route::find_route(settings, recipient.address.domain))
      co_return fail(Fault::recipient_not_routable, recipient.address.to_string());
  }
  const Mailbox author = authorise::rewrite(settings, situation.author);
  told["author"] = explain::rewritten_json(situation.author.to_string(), author.to_string());
  const bool may_be_own = authorise::may_be_own(*client, author.domain);
  auto keys = co_await find_keys(parts_.domains, parts_.loop, situation.settings,
                                 may_be_own ? std::optional(author.domain) : std::nullopt);
  if (!keys) co_return keys.failure();
  const auto authorship = authorise::check_author(*client, author.domain, keys->author != nullptr);
  if (!authorship) co_return authorship.failure();
  const bool is_own = *authorship == authorise::Authorship::own;
  told["author"]["own"] = is_own;
  auto ways = AlignStage::ways_out(settings, client, situation.envelope);
  auto plan = plan_signatures({.settings = settings,
                               .client = client,
                               .author = author.domain,
                               .keys = *keys,
                               .authorship = *authorship,
                               .will_be_judged = ways.leads_outside});
  if (!plan) co_return plan.failure();
  told["signatures"] = explain::signatures_json(*plan, author.domain, settings);
  const bool is_judged = ways.leads_outside;
  if (!is_judged) {
    told["alignment"] = explain::unjudged_json(settings);
    ways = AlignStage::all_ways_out(settings, client, situation.envelope);
    if (!ways.leads_outside || situation.judged != Judged::always) co_return Result<void>{};
  }
  auto question = std::make_shared<align::Question>(
      align::Question{.author = author.domain,
                      .sender = sender,
                      .points = std::move(ways.points),
                      .some_address_unknown = ways.some_address_unknown,
                      .is_foreign = !is_own});
  for (const sign::PlannedSignature& signature : plan->signatures)
    question->keys.push_back({signature.domain, signature.key});
  if (!is_judged) {
    const auto evidence = co_await aligning_.examine(question, situation.deadline);
    told["alignment"]["verdict"] = align::name_of(align::decide_verdict(evidence).result);
    co_return Result<void>{};
  }
  auto judged =
      co_await judge(situation.settings, question, client, keys->author, situation.deadline, told);
  co_return judged;
}

net::Task<Result<void>> Explainer::judge(std::shared_ptr<const config::Settings> settings,
                                         std::shared_ptr<align::Question> question,
                                         const config::ClientSettings* client,
                                         std::shared_ptr<const keys::SigningDomain> author_keys,
                                         SteadyTime deadline, json& told) {
  const AlignmentPolicy policy = alignment_policy(*settings, client, author_keys.get());
  const auto evidence = co_await aligning_.examine(question, deadline);
  const Alignment alignment = AlignStage::conclude(evidence, policy);
  told["alignment"] = explain::alignment_json(*question, evidence, alignment);
  told["alignment"]["configured"] =
      explain::policy_json(*settings, client, author_keys.get(), policy);
  if (alignment.action == align::Action::refuse) co_return fail(AlignStage::refusal(alignment));
  co_return Result<void>{};
}

net::Task<json> Explainer::explain(std::shared_ptr<const config::Settings> settings,
                                   std::shared_ptr<const spool::Message> message) {
  const spool::Record& record = message->record;
  const auto* client = client_named(*settings, record.client);
  json told;
  if (client != nullptr)
    told["client"] = explain::client_json(*client, "sent it from " + record.peer);
  told["signatures"] = explain::made_signatures_json(record.signed_by);
  auto [question, author_keys] =
      co_await question_about(parts_.domains, parts_.loop, settings, message);
  if (!question || record.origin == spool::Origin::dsn) {
    told["alignment"] = explain::unjudged_json(*settings);
  } else {
    (void)co_await judge(settings, question, client, author_keys, aligning_.deadline(*settings),
                         told);
  }
  told["recipients"] = json::array();
  for (const auto& state : message->state.recipients) {
    auto way =
        co_await way_out(settings, client, state.recipient.address, state.pool, state.rerouted_to);
    told["recipients"].push_back(std::move(way));
  }
  told["limits"] = explain::limits_json(*settings, client);
  co_return told;
}

json Explainer::static_way(const config::Settings& settings, const route::RouteMatch& match,
                           const config::ClientSettings* client, const Mailbox& recipient,
                           const std::optional<std::string>& pool) {
  json told{{"address", recipient.to_string()}};
  if (match.route == nullptr) {
    told["error"] = row(Fault::recipient_not_routable).text;
    return told;
  }
  const std::string chosen = pool.value_or(route::choose_pool(settings, *match.route, client));
  explain::add_route(settings, match, client, chosen, told);
  return told;
}

net::Task<json> Explainer::way_out(std::shared_ptr<const config::Settings> settings,
                                   const config::ClientSettings* client, Mailbox recipient,
                                   std::optional<std::string> pool, std::string diversion) {
  const auto [route, by, is_made] = route::route_of(settings, diversion, recipient.domain);
  json told = static_way(*settings, {route.get(), by}, client, recipient, pool);
  if (!route || route->kind == config::RouteKind::maildir) co_return told;
  const auto targets =
      co_await parts_.router.find_targets(parts_.loop, settings, *route, recipient.domain);
  explain::add_targets(targets, told);
  co_return told;
}

}  // namespace signet
