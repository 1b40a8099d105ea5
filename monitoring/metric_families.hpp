// The one list of metric families: name, kind, help and labels of everything Metrics counts.
//
// Names follow the Prometheus conventions (counters end in _total, units are seconds and bytes).
// The labels client, domain, pool and route are bounded by Metrics::allow(); all others take their
// values from fixed sets of ours.
#pragma once

#include <array>
#include <cstddef>

namespace signet::monitoring {

enum class Family : std::size_t {
  build_info,
  connections,
  connections_open,
  connections_refused,
  auth_attempts,
  commands_refused,
  messages_accepted,
  message_bytes,
  messages_refused,
  limit_hits,
  signatures,
  messages_unsigned,
  signatures_wrong,
  cached_key_path_broken,
  repairs,
  commits,
  committed_messages,
  commit_duration,
  spool_broken,
  delivery_attempts,
  recipients,
  maybe_duplicates,
  dsn,
  dsn_dropped,
  outbound_connections,
  stage_duration,
  reloads,
  reload_successful,
  dns_answers,
  dns_unvalidated,
  certificate_expiry,
  loop_lag,
  held_messages,
  series_dropped,
  count_,  // Number of rows; not a family.
};

enum class Kind { counter, gauge, histogram };

struct FamilyRow {
  Family family;
  Kind kind;
  const char* name;
  const char* help;
  std::array<const char*, 5> labels{};  ///< Unused places are null.
};

inline constexpr std::array<FamilyRow, static_cast<std::size_t>(Family::count_)> kFamilies{{
    {Family::build_info,
     Kind::gauge,
     "signet_build_info",
     "Always 1; the version is the label.",
     {"version"}},
    {Family::connections,
     Kind::counter,
     "signet_connections_total",
     "SMTP connections accepted, by listener.",
     {"listener"}},
    {Family::connections_open, Kind::gauge, "signet_connections_open",
     "SMTP connections open now."},
    {Family::connections_refused,
     Kind::counter,
     "signet_connections_refused_total",
     "SMTP connections refused, by cause.",
     {"cause"}},
    {Family::auth_attempts,
     Kind::counter,
     "signet_auth_attempts_total",
     "AUTH attempts, by result.",
     {"result"}},
    {Family::commands_refused,
     Kind::counter,
     "signet_commands_refused_total",
     "SMTP commands answered 4yz or 5yz, by cause.",
     {"cause"}},
    {Family::messages_accepted,
     Kind::counter,
     "signet_messages_accepted_total",
     "Messages answered 250 after DATA, by client.",
     {"client"}},
    {Family::message_bytes,
     Kind::counter,
     "signet_message_bytes_total",
     "Octets of accepted messages, by client.",
     {"client"}},
    {Family::messages_refused,
     Kind::counter,
     "signet_messages_refused_total",
     "Messages refused, by client and cause.",
     {"client", "cause"}},
    {Family::limit_hits,
     Kind::counter,
     "signet_limit_hits_total",
     "Times a limit was reached, by limit.",
     {"limit"}},
    {Family::signatures,
     Kind::counter,
     "signet_signatures_total",
     "DKIM signatures made, by signing domain and algorithm.",
     {"domain", "algorithm"}},
    {Family::messages_unsigned,
     Kind::counter,
     "signet_messages_unsigned_total",
     "Messages accepted without a signature, by author domain and reason.",
     {"domain", "reason"}},
    {Family::signatures_wrong,
     Kind::counter,
     "signet_signatures_wrong_total",
     "Signatures of our own that did not verify, by domain. Must stay 0.",
     {"domain"}},
    {Family::cached_key_path_broken, Kind::gauge, "signet_cached_key_path_broken",
     "1 when signing parses the key for each message: slow, but right."},
    {Family::repairs,
     Kind::counter,
     "signet_repairs_total",
     "Messages changed by a repair the client asked for, by repair.",
     {"repair"}},
    {Family::commits, Kind::counter, "signet_spool_commits_total", "Group commits of the spool."},
    {Family::committed_messages, Kind::counter, "signet_spool_committed_messages_total",
     "Messages made durable by group commits."},
    {Family::commit_duration, Kind::histogram, "signet_spool_commit_duration_seconds",
     "Time of one group commit, sync included."},
    {Family::spool_broken, Kind::gauge, "signet_spool_broken",
     "1 when the spool refuses writes after a failed write or sync."},
    {Family::delivery_attempts,
     Kind::counter,
     "signet_delivery_attempts_total",
     "Delivery attempts, by route, pool, result, class of the reply and TLS.",
     {"route", "pool", "result", "reply", "tls"}},
    {Family::recipients,
     Kind::counter,
     "signet_recipients_total",
     "Outcomes of recipients, by route and result.",
     {"route", "result"}},
    {Family::maybe_duplicates, Kind::counter, "signet_maybe_duplicates_total",
     "Deliveries repeated because the outcome of an earlier attempt was lost."},
    {Family::dsn,
     Kind::counter,
     "signet_dsn_total",
     "Delivery status notifications made, by kind.",
     {"kind"}},
    {Family::dsn_dropped, Kind::counter, "signet_dsn_dropped_total",
     "Delivery status notifications that could not be delivered to anybody."},
    {Family::outbound_connections, Kind::gauge, "signet_outbound_connections_open",
     "SMTP connections to next hops open now."},
    {Family::stage_duration,
     Kind::histogram,
     "signet_stage_duration_seconds",
     "Time of one message in a stage.",
     {"stage"}},
    {Family::reloads,
     Kind::counter,
     "signet_reloads_total",
     "Reloads of the configuration, by result.",
     {"result"}},
    {Family::reload_successful, Kind::gauge, "signet_reload_successful",
     "1 when the last reload of the configuration succeeded; 0: the old one is in force."},
    {Family::dns_answers,
     Kind::counter,
     "signet_dns_answers_total",
     "DNS answers, by result.",
     {"result"}},
    {Family::dns_unvalidated, Kind::gauge, "signet_dns_unvalidated",
     "1 when DNS answers can't be validated by DNSSEC, so there is no DANE."},
    {Family::certificate_expiry,
     Kind::gauge,
     "signet_certificate_expiry_timestamp_seconds",
     "When the first certificate of a listener expires, in seconds since 1970.",
     {"listener"}},
    {Family::loop_lag,
     Kind::histogram,
     "signet_loop_lag_seconds",
     "How long a ready event waits for its turn, by loop.",
     {"loop"}},
    {Family::held_messages,
     Kind::gauge,
     "signet_held_messages",
     "Messages held in the queue, by reason.",
     {"reason"}},
    {Family::series_dropped, Kind::counter, "signet_series_dropped_total",
     "Facts and label values counted as other because a table of series was full."},
}};

/// Seconds: 10 us to 10 s.
inline constexpr std::array kBuckets{0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001,
                                     0.0025,  0.005,    0.01,    0.025,  0.05,    0.1,    0.25,
                                     0.5,     1.0,      2.5,     5.0,    10.0};

constexpr const FamilyRow& row(Family family) {
  return kFamilies[static_cast<std::size_t>(family)];
}

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < kFamilies.size(); ++i) {
    if (kFamilies[i].family != static_cast<Family>(i)) return false;
  }
  return true;
}
static_assert(rows_are_in_order());

}  // namespace signet::monitoring
