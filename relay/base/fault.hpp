// The one table of everything that can go wrong: SMTP code, enhanced code, public text.
//
// RFC 5321 4.2.3 (reply codes), RFC 3463 (enhanced codes). A fault is transient when its code
// begins with 4. Text is what a peer may read and says what to mend; the circumstances go to
// Error::detail.
#pragma once

#include <string_view>

namespace signet {

enum class Fault {
  // The dialogue.
  syntax_error,
  line_too_long,
  bad_parameter,
  unknown_parameter,
  not_implemented,
  bad_sequence,
  bare_newline,
  plaintext_after_starttls,
  tls_required,
  auth_required,
  auth_failed,
  auth_cancelled,
  auth_malformed,
  auth_mechanism_unknown,
  auth_needs_tls,
  auth_unavailable,
  too_many_errors,
  too_many_connections,
  proxy_header_wrong,
  too_many_transactions,
  idle_timeout,
  shutting_down,
  // Sender and recipients.
  bad_sender,
  bad_recipient,
  client_unknown,
  sender_not_allowed,
  recipient_not_routable,
  too_many_recipients,
  quota_exceeded,
  no_valid_recipients,
  utf8_not_offered,
  // Content.
  message_too_big,
  header_too_big,
  header_malformed,
  header_eight_bit,
  nul_in_message,
  line_over_998,
  author_missing,
  author_ambiguous,
  author_malformed,
  author_not_allowed,
  eight_bit_not_declared,
  mail_loop,
  domain_without_key,
  not_aligned,
  held_mail_full,
  // Ours.
  local_error,
  memory_short,
  disk_short,
  key_unavailable,
  no_active_key,
  store_read_only,
  key_state_wrong,
  message_state_wrong,
  publisher_failed,
  signature_wrong,
  clock_unsteady,
  spool_failed,
  spool_newer,
  spool_in_use,
  spool_lossy,
  configuration,
  not_found,
  timed_out,
  closed,
  cancelled,
  // Delivery.
  dns_temporary,
  dns_no_domain,
  dns_bogus,
  null_mx,
  address_forbidden,
  routing_loop,
  connect_failed,
  peer_temporary,
  peer_permanent,
  peer_protocol,
  peer_lacks_8bitmime,
  peer_lacks_smtputf8,
  peer_lacks_requiretls,
  peer_lacks_auth,
  peer_size_limit,
  tls_failed,
  destination_busy,
  expired,
  bounced_by_operator,
  count_,  // Number of rows; not a fault.
};

struct FaultRow {
  std::string_view name;  ///< The enumerator's spelling: stable, used as metric label and in logs.
  int code;               ///< SMTP reply code, 4yz or 5yz.
  std::string_view enhanced;  ///< "x.y.z" of RFC 3463; its first digit equals the code's.
  std::string_view text;      ///< Printable ASCII.
};

/// The row of a fault. Constant time; never fails.
[[nodiscard]] const FaultRow& row(Fault fault);

/// True if trying again later can help (code 4yz).
[[nodiscard]] inline bool is_transient(Fault fault) { return row(fault).code < 500; }

}  // namespace signet
