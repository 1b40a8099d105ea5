#include "relay/base/fault.hpp"

#include <array>

namespace signet {
namespace {

struct Entry {
  Fault fault;
  FaultRow row;
};

constexpr std::array kTable{
    Entry{Fault::syntax_error, {"syntax_error", 500, "5.5.2", "Command not recognised"}},
    Entry{Fault::line_too_long, {"line_too_long", 500, "5.5.2", "Line too long"}},
    Entry{Fault::bad_parameter, {"bad_parameter", 501, "5.5.4", "Syntax error in parameters"}},
    Entry{Fault::unknown_parameter,
          {"unknown_parameter", 555, "5.5.4", "Parameter not recognised"}},
    Entry{Fault::not_implemented, {"not_implemented", 502, "5.5.1", "Command not implemented"}},
    Entry{Fault::bad_sequence, {"bad_sequence", 503, "5.5.1", "Bad sequence of commands"}},
    Entry{Fault::bare_newline,
          {"bare_newline", 521, "5.5.2", "Lines must end in CRLF: bare CR or LF refused"}},
    Entry{Fault::plaintext_after_starttls,
          {"plaintext_after_starttls", 554, "5.5.1", "Data after STARTTLS before the handshake"}},
    Entry{Fault::tls_required,
          {"tls_required", 530, "5.7.0", "Must issue a STARTTLS command first"}},
    Entry{Fault::auth_required, {"auth_required", 530, "5.7.0", "Authentication required"}},
    Entry{Fault::auth_failed, {"auth_failed", 535, "5.7.8", "Authentication credentials invalid"}},
    Entry{Fault::auth_cancelled, {"auth_cancelled", 501, "5.7.0", "Authentication cancelled"}},
    Entry{Fault::auth_malformed,
          {"auth_malformed", 501, "5.5.2", "Malformed authentication exchange"}},
    Entry{Fault::auth_mechanism_unknown,
          {"auth_mechanism_unknown", 504, "5.5.4", "Authentication mechanism not offered"}},
    Entry{Fault::auth_needs_tls,
          {"auth_needs_tls", 538, "5.7.11", "Encryption required for authentication"}},
    Entry{Fault::auth_unavailable,
          {"auth_unavailable", 454, "4.7.0", "Temporary authentication failure"}},
    Entry{Fault::too_many_errors, {"too_many_errors", 421, "4.7.0", "Too many errors"}},
    Entry{Fault::too_many_connections,
          {"too_many_connections", 421, "4.7.0", "Too many connections, try again later"}},
    Entry{Fault::idle_timeout, {"idle_timeout", 421, "4.4.2", "Timeout waiting for client"}},
    Entry{Fault::shutting_down, {"shutting_down", 421, "4.3.2", "Service shutting down"}},
    Entry{Fault::bad_sender, {"bad_sender", 501, "5.1.7", "Bad sender address syntax"}},
    Entry{Fault::bad_recipient, {"bad_recipient", 501, "5.1.3", "Bad recipient address syntax"}},
    Entry{Fault::client_unknown,
          {"client_unknown", 550, "5.7.1",
           "Relaying denied: this address belongs to no configured client"}},
    Entry{Fault::sender_not_allowed,
          {"sender_not_allowed", 550, "5.7.1", "Sender domain not allowed for this client"}},
    Entry{Fault::recipient_not_routable,
          {"recipient_not_routable", 550, "5.1.2", "No route for this recipient"}},
    Entry{Fault::too_many_recipients, {"too_many_recipients", 452, "4.5.3", "Too many recipients"}},
    Entry{Fault::quota_exceeded,
          {"quota_exceeded", 452, "4.7.1", "Quota exceeded, try again later"}},
    Entry{Fault::no_valid_recipients, {"no_valid_recipients", 554, "5.5.1", "No valid recipients"}},
    Entry{Fault::utf8_not_offered,
          {"utf8_not_offered", 553, "5.6.7", "Non-ASCII addresses are not supported here"}},
    Entry{Fault::message_too_big, {"message_too_big", 552, "5.3.4", "Message too big"}},
    Entry{Fault::header_too_big, {"header_too_big", 552, "5.3.4", "Message header too big"}},
    Entry{Fault::header_malformed, {"header_malformed", 554, "5.6.0", "Malformed message header"}},
    Entry{Fault::header_eight_bit,
          {"header_eight_bit", 554, "5.6.0",
           "Raw 8-bit text in the message header: use encoded words (RFC 2047)"}},
    Entry{Fault::nul_in_message, {"nul_in_message", 554, "5.6.0", "NUL octet in message"}},
    Entry{Fault::line_over_998,
          {"line_over_998", 554, "5.6.0", "Line over 998 octets: use quoted-printable or base64"}},
    Entry{Fault::author_missing, {"author_missing", 554, "5.6.0", "Message has no From field"}},
    Entry{Fault::author_ambiguous,
          {"author_ambiguous", 554, "5.6.0",
           "Message must have exactly one From field with one author"}},
    Entry{Fault::author_malformed,
          {"author_malformed", 554, "5.6.0", "From field is not a valid RFC 5322 address"}},
    Entry{Fault::author_not_allowed,
          {"author_not_allowed", 550, "5.7.1", "From domain not allowed for this client"}},
    Entry{Fault::eight_bit_not_declared,
          {"eight_bit_not_declared", 554, "5.6.1", "8-bit body without BODY=8BITMIME"}},
    Entry{Fault::mail_loop, {"mail_loop", 554, "5.4.6", "Too many hops: mail loop"}},
    Entry{Fault::domain_without_key,
          {"domain_without_key", 550, "5.7.1", "From domain has no DKIM key here"}},
    Entry{Fault::held_mail_full,
          {"held_mail_full", 451, "4.7.1", "Too much held mail for this domain"}},
    Entry{Fault::local_error, {"local_error", 451, "4.3.0", "Local error in processing"}},
    Entry{Fault::memory_short,
          {"memory_short", 452, "4.3.1", "Insufficient memory, try again later"}},
    Entry{Fault::disk_short, {"disk_short", 452, "4.3.1", "Insufficient storage, try again later"}},
    Entry{Fault::key_unavailable,
          {"key_unavailable", 451, "4.7.5", "Signing key not available, try again later"}},
    Entry{Fault::no_active_key,
          {"no_active_key", 451, "4.7.5", "No signing key is active, try again later"}},
    Entry{Fault::store_read_only,
          {"store_read_only", 550, "5.3.0", "The key store can't be changed from here"}},
    Entry{Fault::key_state_wrong, {"key_state_wrong", 550, "5.3.0", "The key's state forbids it"}},
    Entry{Fault::publisher_failed,
          {"publisher_failed", 451, "4.4.3", "The DNS record could not be changed"}},
    Entry{Fault::signature_wrong,
          {"signature_wrong", 451, "4.7.5", "Signature did not verify, try again later"}},
    Entry{Fault::clock_unsteady,
          {"clock_unsteady", 451, "4.3.0", "System clock not steady, try again later"}},
    Entry{Fault::spool_failed,
          {"spool_failed", 451, "4.3.0", "Message could not be stored, try again later"}},
    Entry{Fault::spool_newer,
          {"spool_newer", 451, "4.3.0", "Spool was written by a newer version"}},
    Entry{Fault::spool_in_use,
          {"spool_in_use", 451, "4.3.0", "Spool is in use by another process"}},
    Entry{Fault::spool_lossy, {"spool_lossy", 451, "4.3.0", "Spool lost records"}},
    Entry{Fault::configuration, {"configuration", 451, "4.3.5", "Configuration error"}},
    Entry{Fault::not_found, {"not_found", 550, "5.0.0", "Not found"}},
    Entry{Fault::timed_out, {"timed_out", 451, "4.4.2", "Timed out"}},
    Entry{Fault::closed, {"closed", 451, "4.4.2", "Connection closed"}},
    Entry{Fault::cancelled, {"cancelled", 451, "4.3.2", "Cancelled"}},
    Entry{Fault::dns_temporary, {"dns_temporary", 451, "4.4.3", "DNS lookup failed"}},
    Entry{Fault::dns_no_domain, {"dns_no_domain", 550, "5.1.2", "Domain not found"}},
    Entry{Fault::dns_bogus, {"dns_bogus", 451, "4.4.3", "DNSSEC validation failed"}},
    Entry{Fault::null_mx, {"null_mx", 556, "5.1.10", "Recipient domain accepts no mail (null MX)"}},
    Entry{Fault::address_forbidden,
          {"address_forbidden", 550, "5.4.4", "Mail host has no usable public address"}},
    Entry{Fault::routing_loop,
          {"routing_loop", 550, "5.4.6", "Mail for this domain routes back to this host"}},
    Entry{Fault::connect_failed,
          {"connect_failed", 451, "4.4.1", "Could not connect to the mail host"}},
    Entry{Fault::peer_temporary, {"peer_temporary", 451, "4.0.0", "Remote host refused for now"}},
    Entry{Fault::peer_permanent, {"peer_permanent", 550, "5.0.0", "Remote host refused"}},
    Entry{Fault::peer_protocol, {"peer_protocol", 451, "4.5.0", "Remote host broke the protocol"}},
    Entry{Fault::peer_lacks_8bitmime,
          {"peer_lacks_8bitmime", 554, "5.6.3", "Remote host does not accept 8-bit mail"}},
    Entry{Fault::peer_lacks_smtputf8,
          {"peer_lacks_smtputf8", 554, "5.6.7",
           "Remote host does not accept internationalised mail"}},
    Entry{Fault::peer_lacks_auth,
          {"peer_lacks_auth", 451, "4.7.0", "Next hop does not offer the needed authentication"}},
    Entry{Fault::peer_size_limit,
          {"peer_size_limit", 552, "5.3.4", "Message too big for the remote host"}},
    Entry{Fault::tls_failed, {"tls_failed", 451, "4.7.5", "TLS with the remote host failed"}},
    Entry{Fault::destination_busy,
          {"destination_busy", 451, "4.4.5", "Destination at its connection limit"}},
    Entry{Fault::expired, {"expired", 554, "5.4.7", "Message expired in the queue"}},
    Entry{Fault::bounced_by_operator,
          {"bounced_by_operator", 554, "5.7.1", "Message returned by the operator"}},
};

consteval bool every_fault_has_its_row() {
  if (kTable.size() != static_cast<std::size_t>(Fault::count_)) return false;
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    const FaultRow& row = kTable[i].row;
    if (kTable[i].fault != static_cast<Fault>(i)) return false;
    if (row.code < 400 || row.code > 599 || row.enhanced[0] != '0' + row.code / 100) return false;
  }
  return true;
}
static_assert(every_fault_has_its_row());

}  // namespace

const FaultRow& row(Fault fault) { return kTable[static_cast<std::size_t>(fault)].row; }

}  // namespace signet
