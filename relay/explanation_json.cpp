#include "relay/explanation_json.hpp"

#include <algorithm>
#include <array>

namespace signet::explain {
namespace {

using nlohmann::json;

std::string_view word(align::Alignment alignment) {
  constexpr std::array<std::string_view, 3> kWords{"aligned", "unaligned", "unknown"};
  return kWords[static_cast<std::size_t>(alignment)];
}

std::string_view word(align::SignatureWorth worth) {
  constexpr std::array<std::string_view, 3> kWords{"usable", "useless", "unknown"};
  return kWords[static_cast<std::size_t>(worth)];
}

std::string_view word(config::ForeignFrom foreign) {
  constexpr std::array<std::string_view, 3> kWords{"refuse", "relay", "relay_and_sign_platform"};
  return kWords[static_cast<std::size_t>(foreign)];
}

std::string_view word(config::RouteKind kind) {
  constexpr std::array<std::string_view, 3> kWords{"mx", "host", "maildir"};
  return kWords[static_cast<std::size_t>(kind)];
}

std::string_view word(config::TlsPolicy policy) {
  constexpr std::array<std::string_view, 4> kWords{"none", "may", "encrypt", "verify"};
  return kWords[static_cast<std::size_t>(policy)];
}

std::string why_routed(const route::RouteMatch& match) {
  switch (match.by) {
    case route::RoutedBy::domain:
      return "lists the domain";
    case route::RoutedBy::subdomains_of:
      return "lists a parent in subdomains_of";
    case route::RoutedBy::fallback:
      return "is the default";
    case route::RoutedBy::order:
      return "is where an operator sent it";
    case route::RoutedBy::nothing:
      break;
  }
  return "";
}

std::string why_pool(const config::RouteSettings& route, const config::ClientSettings* client,
                     const std::string& pool) {
  if (!route.pool.empty() && route.pool == pool) return "the route's";
  if (client != nullptr && !client->pool.empty() && client->pool == pool) return "the client's";
  return pool == "default" ? "the default" : "fixed at receipt or by an operator";
}

std::string why_signs(const Domain& signer, const Domain& author,
                      const config::Settings& settings) {
  if (signer == author) return "a key of the author's domain";
  const auto parent = settings.signing.parents.find(author);
  if (parent != settings.signing.parents.end() && parent->second == signer)
    return "signs for " + author.text() + " by [signing.parents]";
  return "signing.platform_domain";
}

/// Of mail that falls into a canary's share another key signs: which one depends on the queue id.
json canary_json(const keys::SigningDomain& domain, keys::Algorithm algorithm) {
  for (const keys::SigningKey& key : domain.keys) {
    if (key.canary_share != 0 && key.key.algorithm() == algorithm)
      return {{"selector", key.selector}, {"share", key.canary_share}};
  }
  return nullptr;
}

json dmarc_json(const align::AppliedPolicy& policy) {
  constexpr std::array<std::string_view, 3> kDiscovery{"found", "no_record", "unknown"};
  json told{{"discovery", kDiscovery[static_cast<std::size_t>(policy.discovery)]}};
  if (policy.discovery != align::Discovery::found) return told;
  told["domain"] = policy.domain;
  told["policy"] = align::name_of(policy.policy);
  told["declared"] = align::name_of(policy.declared);
  told["adkim"] = policy.adkim == align::AlignmentMode::strict ? "strict" : "relaxed";
  told["aspf"] = policy.aspf == align::AlignmentMode::strict ? "strict" : "relaxed";
  return told;
}

json spf_json(const align::Question& question, const align::Evidence& evidence) {
  json list = json::array();
  for (std::size_t i = 0; i < evidence.spf.size(); ++i) {
    const align::SpfEvidence& spf = evidence.spf[i];
    list.push_back({{"address", spf.address.to_string()},
                    {"helo", i < question.points.size() ? question.points[i].helo : ""},
                    {"domain", spf.domain},
                    {"result", align::name_of(spf.outcome)},
                    {"alignment", word(spf.alignment)}});
  }
  return list;
}

json dkim_json(const align::Evidence& evidence) {
  json list = json::array();
  for (const align::DkimEvidence& dkim : evidence.dkim) {
    json one{{"name", dkim.name},
             {"domain", dkim.domain},
             {"key", word(dkim.worth)},
             {"words", dkim.words},
             {"alignment", word(dkim.alignment)}};
    if (dkim.worth == align::SignatureWorth::useless)
      one["reason"] = align::name_of(dkim.why_useless);
    list.push_back(std::move(one));
  }
  return list;
}

}  // namespace

std::string how_matched(const authorise::ClientMatch& match, const authorise::Peer& peer) {
  using enum authorise::MatchedBy;
  switch (match.by) {
    case user:
      return "by AUTH user " + peer.user;
    case certificate:
      return "by the fingerprint of its certificate";
    case certificate_name:
      return "by a name in its certificate";
    case unix_user:
      return "by its Unix user";
    case network:
      return "by network " + match.network->to_string();
    case nothing:
      break;
  }
  return "";
}

json client_json(const config::ClientSettings& client, const std::string& why) {
  return {{"name", client.name},
          {"why", why},
          {"domains", client.all_domains ? json("all") : json(client.domains.size())},
          {"foreign_from", word(client.foreign_from)},
          {"allow_unsigned", client.allow_unsigned}};
}

json rewritten_json(const std::string& written, const std::string& now) {
  json told{{"address", now}};
  if (written != now) told["rewritten_from"] = written;
  return told;
}

json signatures_json(const sign::Plan& plan, const Domain& author,
                     const config::Settings& settings) {
  json list = json::array();
  for (const sign::PlannedSignature& planned : plan.signatures) {
    const keys::SigningKey& key = planned.domain->keys[planned.key];
    const std::string domain = planned.domain->name.text();
    list.push_back({{"name", key.selector + "._domainkey." + domain},
                    {"domain", domain},
                    {"selector", key.selector},
                    {"algorithm", keys::name_of(key.key.algorithm())},
                    {"why", why_signs(planned.domain->name, author, settings)}});
    json canary = canary_json(*planned.domain, key.key.algorithm());
    if (!canary.is_null()) list.back()["canary"] = std::move(canary);
  }
  return list;
}

json made_signatures_json(const std::vector<std::string>& signed_by) {
  json list = json::array();
  for (const std::string& name : signed_by)
    list.push_back({{"name", name}, {"why", "made when the message was received"}});
  return list;
}

json alignment_json(const align::Question& question, const align::Evidence& evidence,
                    const Alignment& alignment) {
  const align::Verdict& verdict = alignment.verdict;
  json told{{"judged", true},
            {"verdict", align::name_of(verdict.result)},
            {"reason", align::name_of(verdict.reason)},
            {"words", verdict.words},
            {"action", align::name_of(alignment.action)},
            {"strict", align::name_of(verdict.strict)},
            {"strict_words", verdict.strict_words},
            {"by_list", align::name_of(verdict.by_list)},
            {"worlds_differ", verdict.worlds_differ},
            {"dmarc", dmarc_json(verdict.policy)},
            {"spf", spf_json(question, evidence)},
            {"dkim", dkim_json(evidence)},
            {"some_address_unknown", evidence.some_address_unknown}};
  if (question.is_foreign && question.signatures.empty())
    told["note"] = "The From domain is not the client's: signatures the message brings would count";
  return told;
}

json unjudged_json(const config::Settings& settings) {
  return {{"judged", false},
          {"words", settings.alignment.enabled ? "No recipient's route leads outside"
                                               : "alignment.enabled is false"}};
}

json policy_json(const config::Settings& settings, const config::ClientSettings* client,
                 const keys::SigningDomain* domain, AlignmentPolicy policy) {
  const bool by_domain = domain != nullptr && domain->alignment.has_value();
  const bool by_client = !by_domain && client != nullptr && client->alignment.has_value();
  const std::string said_by = by_domain   ? "domain.toml of " + domain->name.text()
                              : by_client ? "client " + client->name
                                          : std::string("alignment.policy");
  return {{"policy", name_of(policy)},
          {"said_by", said_by},
          {"deadline_ms", settings.alignment.deadline.count()}};
}

void add_route(const config::Settings& settings, const route::RouteMatch& match,
               const config::ClientSettings* client, const std::string& pool, json& told) {
  const config::RouteSettings& route = *match.route;
  told["route"] = {{"name", route.name}, {"why", why_routed(match)}, {"kind", word(route.kind)}};
  if (route.kind == config::RouteKind::maildir) {
    told["route"]["maildir"] = route.maildir.string();
    return;
  }
  if (route.kind == config::RouteKind::host) told["route"]["hosts"] = route.hosts;
  told["tls"] = {{"policy", word(route.tls)}, {"implicit", route.implicit_tls}};
  json addresses = json::array();
  const auto found = std::ranges::find(settings.pools, pool, &config::PoolSettings::name);
  if (found != settings.pools.end()) {
    for (const auto& each : found->addresses)
      addresses.push_back({{"bind", each.bind.to_string()},
                           {"public", each.public_address.to_string()},
                           {"helo", each.helo},
                           {"weight", each.weight}});
  }
  told["pool"] = {
      {"name", pool}, {"why", why_pool(route, client, pool)}, {"addresses", std::move(addresses)}};
  const auto connections =
      route.connections > 0 ? route.connections : settings.limits.connections_per_destination;
  told["limits"] = {{"connections", connections},
                    {"messages_per_connection", settings.limits.messages_per_connection},
                    {"recipients_per_transaction", settings.limits.recipients_per_transaction}};
}

void add_targets(const Result<std::vector<route::Target>>& targets, json& told) {
  if (!targets) {
    const Error& error = targets.error();
    told["error"] = error.public_text() + (error.detail.empty() ? "" : " (" + error.detail + ")");
    told["error_is_temporary"] = is_transient(error.fault);
    return;
  }
  told["targets"] = json::array();
  for (const route::Target& target : *targets) {
    json addresses = json::array();
    for (const IpAddress& address : target.addresses) addresses.push_back(address.to_string());
    told["targets"].push_back({{"host", target.host},
                               {"port", target.port},
                               {"addresses", std::move(addresses)},
                               {"dnssec", target.security}});
  }
}

json limits_json(const config::Settings& settings, const config::ClientSettings* client) {
  json retries = json::array();
  for (const auto wait : settings.queue.retries) retries.push_back(wait.count());
  json told{{"message_bytes", settings.limits.message_bytes},
            {"recipients", settings.limits.recipients},
            {"queue_life_seconds", settings.queue.life.count()},
            {"retries_seconds", std::move(retries)},
            {"held_messages_per_domain", settings.limits.held_messages_per_domain}};
  if (client == nullptr) return told;
  told["client_messages_per_hour"] = client->messages_per_hour;
  told["client_recipients_per_hour"] = client->recipients_per_hour;
  told["client_connections"] = client->connections;
  return told;
}

json refusal_json(const Error& error) {
  const FaultRow& fault = row(error.fault);
  json told{{"accepted", false},
            {"code", fault.code},
            {"enhanced", fault.enhanced},
            {"cause", fault.name},
            {"words", error.public_text()}};
  if (!error.detail.empty()) told["detail"] = error.detail;
  return told;
}

json accepted_json(const json& told) {
  const json& alignment = told.at("alignment");
  const json action = alignment.value("action", json("send"));
  return {{"accepted", true}, {"code", 250}, {"action", action}};
}

}  // namespace signet::explain
