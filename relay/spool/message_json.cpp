#include "relay/spool/message_json.hpp"

#include <array>
#include <nlohmann/json.hpp>

namespace signet::spool {
namespace {

constexpr std::array<const char*, 4> kStatusNames{"queued", "held", "delivered", "bounced"};

std::int64_t milliseconds(WallTime time) { return time.time_since_epoch().count(); }

nlohmann::json to_json(const RecipientState& state) {
  return {{"address", state.recipient.address.to_string()},
          {"notify", state.recipient.dsn.notify},
          {"original_recipient", state.recipient.dsn.original_recipient},
          {"route", state.route},
          {"pool", state.pool},
          {"status", kStatusNames.at(static_cast<std::size_t>(state.status))},
          {"attempts", state.attempts},
          {"last_reply", state.last_reply}};
}

}  // namespace

nlohmann::json to_json(const Record& record) {
  return {{"id", record.id.to_string()},
          {"origin", record.origin == Origin::dsn ? "dsn" : "client"},
          {"received", milliseconds(record.received)},
          {"expires", milliseconds(record.expires)},
          {"client", record.client},
          {"peer", record.peer},
          {"sender", to_string(record.envelope.sender)},
          {"body_8bitmime", record.envelope.eight_bit},
          {"smtputf8", record.envelope.utf8},
          {"dsn_return", record.envelope.dsn_return},
          {"envelope_id", record.envelope.envelope_id},
          {"author_domain", record.author_domain},
          {"signed_by", record.signed_by},
          {"body_size", record.body_size}};
}

nlohmann::json to_json(const State& state) {
  nlohmann::json recipients = nlohmann::json::array();
  for (const RecipientState& recipient : state.recipients) recipients.push_back(to_json(recipient));
  return {{"recipients", std::move(recipients)}, {"due", milliseconds(state.due)},
          {"hold_reason", state.hold_reason},    {"held_since", milliseconds(state.held_since)},
          {"attempts", state.attempts},          {"maybe_duplicates", state.maybe_duplicates}};
}

}  // namespace signet::spool
