#include "relay/spool/record_format.hpp"

#include "relay/spool/layout.hpp"
#include "relay/spool/wire_mailbox.hpp"

namespace signet::spool {
namespace {

WallTime from_milliseconds(std::int64_t count) {
  return WallTime(std::chrono::milliseconds(count));
}

void envelope_to_wire(const Envelope& envelope, record::Message& wire) {
  if (envelope.sender) to_wire(*envelope.sender, *wire.mutable_sender());
  wire.set_eight_bit(envelope.eight_bit);
  wire.set_utf8(envelope.utf8);
  wire.set_dsn_return(envelope.dsn_return);
  wire.set_envelope_id(envelope.envelope_id);
  wire.set_require_tls(envelope.require_tls);
}

Result<Envelope> envelope_from_wire(const record::Message& wire) {
  Envelope envelope;
  if (wire.has_sender()) {
    Result<Mailbox> sender = from_wire(wire.sender());
    if (!sender) return sender.failure();
    envelope.sender = std::move(*sender);
  }
  envelope.eight_bit = wire.eight_bit();
  envelope.utf8 = wire.utf8();
  envelope.dsn_return = wire.dsn_return();
  envelope.envelope_id = wire.envelope_id();
  envelope.require_tls = wire.require_tls();
  return envelope;
}

}  // namespace

std::string encode_record(const Record& record) {
  record::Message wire;
  wire.set_format(kFormat);
  wire.set_origin(static_cast<std::uint32_t>(record.origin));
  wire.set_received(record.received.time_since_epoch().count());
  wire.set_expires(record.expires.time_since_epoch().count());
  wire.set_client(record.client);
  wire.set_peer(record.peer);
  envelope_to_wire(record.envelope, wire);
  wire.set_author_domain(record.author_domain);
  wire.set_header(record.header);
  wire.set_signatures(record.signatures);
  for (const std::string& name : record.signed_by) wire.add_signed_by(name);
  for (const std::string& domain : record.sign_domains) wire.add_sign_domains(domain);
  wire.set_body_size(record.body_size);
  wire.set_body_chunks(record.body_chunks);
  wire.set_has_eight_bit(record.has_eight_bit);
  wire.set_tls_optional(record.tls_optional);
  return wire.SerializeAsString();
}

Result<Record> decode_record(QueueId id, std::string_view bytes) {
  record::Message wire;
  if (!wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(Fault::spool_failed, "damaged record " + id.to_string());
  }
  if (wire.format() > kFormat) return fail(Fault::spool_newer, "record of a newer format");
  Result<Envelope> envelope = envelope_from_wire(wire);
  if (!envelope) return envelope.failure();
  Record record;
  record.id = id;
  record.origin =
      wire.origin() == static_cast<std::uint32_t>(Origin::dsn) ? Origin::dsn : Origin::client;
  record.received = from_milliseconds(wire.received());
  record.expires = from_milliseconds(wire.expires());
  record.client = wire.client();
  record.peer = wire.peer();
  record.envelope = std::move(*envelope);
  record.author_domain = wire.author_domain();
  record.header = std::move(*wire.mutable_header());
  record.signatures = std::move(*wire.mutable_signatures());
  record.signed_by.assign(wire.signed_by().begin(), wire.signed_by().end());
  record.sign_domains.assign(wire.sign_domains().begin(), wire.sign_domains().end());
  record.body_size = wire.body_size();
  record.body_chunks = wire.body_chunks();
  record.has_eight_bit = wire.has_eight_bit();
  record.tls_optional = wire.tls_optional();
  return record;
}

std::string encode_attempt(const std::vector<std::uint32_t>& indexes) {
  record::Attempt wire;
  for (std::uint32_t index : indexes) wire.add_indexes(index);
  return wire.SerializeAsString();
}

}  // namespace signet::spool
