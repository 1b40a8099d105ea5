#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "relay/admin/explanations.hpp"
#include "relay/admin/queue_text.hpp"
#include "relay/admin/terminal_text.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

const json& member(const json& object, const char* key) {
  static const json kNothing = json::object();
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? kNothing : *found;
}

bool is_true(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

/// ", NAME VALUE" where there is a value.
std::string also(const json& object, const char* key, std::string_view name) {
  const std::string value = text_of(object, key);
  return value.empty() ? "" : fmt::format(", {} {}", name, value);
}

void add_outcome(const json& told, std::string& lines) {
  const json& outcome = member(told, "outcome");
  if (outcome.empty()) return;
  if (is_true(outcome, "accepted")) {
    add_line(lines, "outcome", "accepted (250), then: " + text_of(outcome, "action"));
    return;
  }
  add_line(
      lines, "outcome",
      fmt::format("refused: {} {} {} ({})", text_of(outcome, "code"), text_of(outcome, "enhanced"),
                  text_of(outcome, "words"), text_of(outcome, "cause")));
  add_line(lines, "detail", text_of(outcome, "detail"));
}

void add_identities(const json& told, std::string& lines) {
  const json& client = member(told, "client");
  add_line(
      lines, "client",
      client.empty() ? "none matches" : text_of(client, "name") + ": " + text_of(client, "why"));
  for (const char* who : {"sender", "author"}) {
    const json& address = member(told, who);
    add_line(lines, who, text_of(address, "address") + also(address, "rewritten_from", "was"));
  }
}

void add_signatures(const json& told, std::string& lines) {
  const json& signatures = member(told, "signatures");
  for (const json& one : signatures) {
    const json& canary = member(one, "canary");
    const std::string but = canary.empty() ? ""
                                           : ", but for the " + text_of(canary, "share") +
                                                 " % of the mail that the canary " +
                                                 text_of(canary, "selector") + " signs";
    add_line(
        lines, "signature",
        text_of(one, "name") + also(one, "algorithm", "by") + ": " + text_of(one, "why") + but);
  }
  if (signatures.is_array() && signatures.empty()) add_line(lines, "signature", "none");
}

void add_alignment(const json& told, std::string& lines) {
  const json& alignment = member(told, "alignment");
  if (alignment.empty()) return;
  if (!is_true(alignment, "judged")) {
    add_line(lines, "alignment", "not judged: " + text_of(alignment, "words"));
    return;
  }
  for (const json& spf : member(alignment, "spf"))
    add_line(
        lines, "SPF",
        fmt::format("{} for {}: {}, {}{}", text_of(spf, "address"), text_of(spf, "domain"),
                    text_of(spf, "result"), text_of(spf, "alignment"), also(spf, "helo", "helo")));
  if (is_true(alignment, "some_address_unknown"))
    add_line(lines, "SPF", "unknown: some address mail may leave from is not configured");
  for (const json& dkim : member(alignment, "dkim"))
    add_line(lines, "DKIM",
             fmt::format("{}: key {}, {}{}", text_of(dkim, "name"), text_of(dkim, "key"),
                         text_of(dkim, "alignment"), also(dkim, "words", "because")));
  const json& dmarc = member(alignment, "dmarc");
  add_line(
      lines, "DMARC",
      text_of(dmarc, "discovery") == "found"
          ? fmt::format("{} at {}, adkim {}, aspf {}", text_of(dmarc, "policy"),
                        text_of(dmarc, "domain"), text_of(dmarc, "adkim"), text_of(dmarc, "aspf"))
          : text_of(dmarc, "discovery"));
  add_line(
      lines, "verdict",
      fmt::format("{} ({}){}{}", text_of(alignment, "verdict"), text_of(alignment, "reason"),
                  text_of(alignment, "words").empty() ? "" : ": ", text_of(alignment, "words")));
  add_line(lines, "strict",
           text_of(alignment, "strict") + also(alignment, "strict_words", "because"));
  const json& configured = member(alignment, "configured");
  add_line(lines, "policy",
           fmt::format("{} by {}: {}", text_of(configured, "policy"),
                       text_of(configured, "said_by"), text_of(alignment, "action")));
  add_line(lines, "note", text_of(alignment, "note"));
}

void add_way_out(const json& recipient, std::string& lines) {
  add_line(lines, "recipient", text_of(recipient, "address"));
  const json& route = member(recipient, "route");
  if (!route.empty())
    add_line(lines, "  route",
             fmt::format("{} ({}): {}", text_of(route, "name"), text_of(route, "kind"),
                         text_of(route, "why")));
  const json& pool = member(recipient, "pool");
  if (!pool.empty()) add_line(lines, "  pool", text_of(pool, "name") + ": " + text_of(pool, "why"));
  for (const json& egress : member(pool, "addresses"))
    add_line(lines, "  from",
             fmt::format("{} as {}{}", text_of(egress, "bind"), text_of(egress, "public"),
                         also(egress, "helo", "helo")));
  const json& tls = member(recipient, "tls");
  add_line(lines, "  TLS",
           text_of(tls, "policy") + (is_true(tls, "implicit") ? ", from the first octet" : ""));
  for (const json& target : member(recipient, "targets")) {
    std::string addresses;
    for (const json& address : member(target, "addresses"))
      addresses += " " + text_of({{"of", address}}, "of");
    add_line(lines, "  next hop",
             fmt::format("{} port {}{}:{}", text_of(target, "host"), text_of(target, "port"),
                         is_true(target, "dnssec") ? ", by DNSSEC" : "", addresses));
  }
  add_line(lines, "  no way", text_of(recipient, "error"));
  add_line(lines, "  suspended", text_of(recipient, "suspended"));
  if (recipient.contains("backing_off_seconds"))
    add_line(lines, "  back-off", age_text(number_of(recipient, "backing_off_seconds")));
  const json& limits = member(recipient, "limits");
  if (!limits.empty())
    add_line(
        lines, "  limits",
        fmt::format("{} connections{}, {} messages each, {} recipients a transaction",
                    text_of(limits, "connections"), also(limits, "connections_in_use", "in use"),
                    text_of(limits, "messages_per_connection"),
                    text_of(limits, "recipients_per_transaction")));
}

void add_limits(const json& told, std::string& lines) {
  const json& limits = member(told, "limits");
  if (limits.empty()) return;
  add_line(lines, "limits",
           fmt::format("{} a message, {} recipients, kept for {}",
                       size_text(static_cast<std::uint64_t>(number_of(limits, "message_bytes"))),
                       text_of(limits, "recipients"),
                       age_text(number_of(limits, "queue_life_seconds"))));
  const std::int64_t messages = number_of(limits, "client_messages_per_hour");
  const std::int64_t recipients = number_of(limits, "client_recipients_per_hour");
  if (messages > 0 || recipients > 0)
    add_line(lines, "quota",
             fmt::format("{} messages, {} recipients an hour (0: no limit)", messages, recipients));
}

void add_facts(const json& told, std::string& lines) {
  for (const json& fact : member(told, "facts")) {
    const std::string order = text_of(fact, "order");
    std::string line = text_of(fact, "event") + (order.empty() ? "" : " " + order) +
                       also(fact, "by", "by") + also(fact, "recipient", "recipient") +
                       also(fact, "host", "host") + also(fact, "tls", "over") +
                       also(fact, "spf", "SPF") + also(fact, "verdict", "verdict") +
                       also(fact, "cause", "cause") + also(fact, "reason", "reason") +
                       also(fact, "words", "words");
    if (const std::string reply = text_of(fact, "reply"); !reply.empty()) line += ": " + reply;
    lines += fmt::format("  {}  {}\n", text_of(fact, "time"), line);
  }
}

}  // namespace

std::string explanation_text(const json& told) {
  std::string lines;
  const json& message = member(told, "message");
  if (!message.empty()) lines += message_text(message);
  if (told.contains("in_queue") && message.empty())
    add_line(lines, "id", text_of(told, "id") + ": no longer in the queue");
  add_outcome(told, lines);
  if (told.contains("limits")) {
    if (message.empty()) add_identities(told, lines);
    if (message.empty()) add_signatures(told, lines);
    add_alignment(told, lines);
    for (const json& recipient : member(told, "recipients")) add_way_out(recipient, lines);
    add_limits(told, lines);
  }
  const json& facts = member(told, "facts");
  if (!facts.empty()) lines += "what happened:\n";
  add_facts(told, lines);
  return lines;
}

}  // namespace signet::admin
