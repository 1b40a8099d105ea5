#include "relay/spool/state_row.hpp"

#include <algorithm>

#include "relay/spool/layout.hpp"
#include "relay/spool/wire_mailbox.hpp"

namespace signet::spool {
namespace {

constexpr unsigned kHeldFlag = 1;
constexpr unsigned kQuarantinedFlag = 2;

void recipient_to_wire(const RecipientState& state, record::Recipient& wire) {
  to_wire(state.recipient.address, *wire.mutable_address());
  wire.set_notify(state.recipient.dsn.notify);
  wire.set_original_recipient(state.recipient.dsn.original_recipient);
  wire.set_route(state.route);
  wire.set_pool(state.pool);
  wire.set_status(static_cast<std::uint32_t>(state.status));
  wire.set_attempts(state.attempts);
  wire.set_last_reply(state.last_reply);
  wire.set_report_due(static_cast<std::uint32_t>(state.report_due));
  wire.set_rerouted_to(state.rerouted_to);
}

Result<RecipientState> recipient_from_wire(const record::Recipient& wire) {
  Result<Mailbox> address = from_wire(wire.address());
  if (!address) return address.failure();
  if (wire.status() > static_cast<std::uint32_t>(RecipientStatus::bounced)) {
    return fail(Fault::spool_failed, "damaged recipient status");
  }
  if (wire.report_due() > static_cast<std::uint32_t>(ReportDue::delivered)) {
    return fail(Fault::spool_failed, "damaged recipient report");
  }
  return RecipientState{{std::move(*address), {wire.notify(), wire.original_recipient()}},
                        wire.route(),
                        wire.pool(),
                        static_cast<RecipientStatus>(wire.status()),
                        wire.attempts(),
                        wire.last_reply(),
                        static_cast<ReportDue>(wire.report_due()),
                        wire.rerouted_to()};
}

}  // namespace

std::string encode_head(const StateHead& head) {
  std::string out;
  out.reserve(kStateHeadSize);
  out.push_back(static_cast<char>(kFormat));
  out.push_back(
      static_cast<char>((head.held ? kHeldFlag : 0) | (head.quarantined ? kQuarantinedFlag : 0)));
  append_u64(out, to_octet_time(head.due));
  append_u64(out, to_octet_time(head.held_since));
  append_u32(out, head.body_chunks);
  append_u64(out, head.body_size);
  return out;
}

Result<StateHead> decode_head(std::string_view row) {
  if (row.size() < kStateHeadSize) return fail(Fault::spool_failed, "damaged state row");
  if (static_cast<unsigned char>(row[0]) > kFormat) {
    return fail(Fault::spool_newer, "state row of a newer format");
  }
  const auto flags = static_cast<unsigned char>(row[1]);
  StateHead head;
  head.held = (flags & kHeldFlag) != 0;
  head.quarantined = (flags & kQuarantinedFlag) != 0;
  head.due = from_octet_time(read_u64(row.substr(2)));
  head.held_since = from_octet_time(read_u64(row.substr(10)));
  head.body_chunks = read_u32(row.substr(18));
  head.body_size = read_u64(row.substr(22));
  return head;
}

bool is_unsettled(const State& state) {
  return std::ranges::any_of(state.recipients, [](const RecipientState& r) {
    return r.status == RecipientStatus::queued || r.status == RecipientStatus::held ||
           r.report_due != ReportDue::none;
  });
}

std::string encode_state(const State& state) {
  record::State wire;
  wire.set_format(kFormat);
  for (const RecipientState& recipient : state.recipients) {
    recipient_to_wire(recipient, *wire.add_recipients());
  }
  wire.set_hold_reason(state.hold_reason);
  wire.set_attempts(state.attempts);
  wire.set_maybe_duplicates(state.maybe_duplicates);
  wire.set_delay_reported(state.delay_reported);
  return wire.SerializeAsString();
}

Result<State> decode_state_row(std::string_view row) {
  const Result<StateHead> head = decode_head(row);
  if (!head) return head.failure();
  record::State wire;
  const std::string_view rest = row.substr(kStateHeadSize);
  if (!wire.ParseFromArray(rest.data(), static_cast<int>(rest.size()))) {
    return fail(Fault::spool_failed, "damaged state");
  }
  if (wire.format() > kFormat) return fail(Fault::spool_newer, "state of a newer format");
  State state;
  for (const record::Recipient& recipient : wire.recipients()) {
    Result<RecipientState> decoded = recipient_from_wire(recipient);
    if (!decoded) return decoded.failure();
    state.recipients.push_back(std::move(*decoded));
  }
  state.due = head->due;
  state.held_since = head->held_since;
  state.hold_reason = wire.hold_reason();
  state.attempts = wire.attempts();
  state.maybe_duplicates = wire.maybe_duplicates();
  state.delay_reported = wire.delay_reported();
  return state;
}

}  // namespace signet::spool
