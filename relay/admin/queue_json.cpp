#include "relay/admin/queue_json.hpp"

#include <fmt/chrono.h>

#include <array>
#include <nlohmann/json.hpp>

namespace signet::admin {
namespace {

using nlohmann::json;
using spool::RecipientStatus;

std::string rfc3339(WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", std::chrono::floor<std::chrono::seconds>(time));
}

std::int64_t seconds_between(WallTime from, WallTime to) {
  return std::chrono::duration_cast<std::chrono::seconds>(to - from).count();
}

std::string_view name_of(RecipientStatus status) {
  constexpr std::array<std::string_view, 4> kNames{"queued", "held", "delivered", "bounced"};
  return kNames[static_cast<std::size_t>(status)];
}

bool is_waiting(const spool::RecipientState& recipient) {
  return recipient.status == RecipientStatus::queued || recipient.status == RecipientStatus::held;
}

std::string last_reply(const spool::State& state) {
  std::string reply;
  for (const auto& recipient : state.recipients) {
    if (is_waiting(recipient) && !recipient.last_reply.empty()) reply = recipient.last_reply;
  }
  return reply;
}

json recipient_of(const spool::RecipientState& recipient) {
  json told{{"address", recipient.recipient.address.to_string()},
            {"status", name_of(recipient.status)},
            {"attempts", recipient.attempts},
            {"route", recipient.route},
            {"pool", recipient.pool},
            {"last_reply", recipient.last_reply}};
  if (!recipient.rerouted_to.empty()) told["rerouted_to"] = recipient.rerouted_to;
  return told;
}

}  // namespace

json summary_of(const spool::Message& message, bool in_delivery, WallTime now) {
  const auto& [record, state] = message;
  json summary{{"id", record.id.to_string()},
               {"status", state.is_held() ? "held" : "queued"},
               {"in_delivery", in_delivery},
               {"sender", record.envelope.sender ? record.envelope.sender->to_string() : ""},
               {"recipients", state.recipients.size()},
               {"waiting", std::ranges::count_if(state.recipients, is_waiting)},
               {"size", record.header.size() + record.signatures.size() + 2 + record.body_size},
               {"client", record.client},
               {"attempts", state.attempts},
               {"received", rfc3339(record.received)},
               {"age_seconds", seconds_between(record.received, now)},
               {"due", rfc3339(state.due)},
               {"due_in_seconds", seconds_between(now, state.due)},
               {"last_reply", last_reply(state)}};
  if (state.is_held()) summary["hold_reason"] = state.hold_reason;
  return summary;
}

json details_of(const spool::Message& message, bool in_delivery, WallTime now) {
  const auto& [record, state] = message;
  json details = summary_of(message, in_delivery, now);
  details["recipients"] = json::array();
  for (const auto& recipient : state.recipients) {
    details["recipients"].push_back(recipient_of(recipient));
  }
  details["origin"] = record.origin == spool::Origin::dsn ? "dsn" : "client";
  details["peer"] = record.peer;
  details["author_domain"] = record.author_domain;
  details["signed_by"] = record.signed_by;
  details["expires"] = rfc3339(record.expires);
  details["maybe_duplicates"] = state.maybe_duplicates;
  if (state.is_held()) details["held_since"] = rfc3339(state.held_since);
  return details;
}

json stats_of(const spool::Stats& stats, WallTime now) {
  json counts{{"messages", stats.messages},
              {"held", stats.held},
              {"quarantined", stats.quarantined},
              {"maybe_duplicates", stats.maybe},
              {"disk_bytes", stats.disk_bytes},
              {"commits", stats.commits},
              {"syncs", stats.syncs}};
  if (stats.oldest) counts["oldest_age_seconds"] = seconds_between(*stats.oldest, now);
  if (stats.oldest_held)
    counts["oldest_held_age_seconds"] = seconds_between(*stats.oldest_held, now);
  return counts;
}

}  // namespace signet::admin
