// Every metric of the program, as facts to be told: the one list of names is in
// metric_families.hpp.
//
// Callable from any thread; a fact costs a hash look-up and an atomic add. Label values that do not
// come from the configuration or a fixed set are counted as "other" (see `allow`).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "monitoring/metric_families.hpp"
#include "relay/base/fault.hpp"

namespace signet::monitoring {

enum class Stage { authorise, parse, plan, align, sign, verify, spool, route, deliver };
enum class AttemptResult { delivered, deferred, failed };

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  enum class Label { client, domain, pool, route, egress };
  /// Values of `label` that may appear; others become "other".
  void allow(Label label, std::string_view value);
  /// A value that is no more: it becomes "other", and its gauges go. Counters stay.
  void forget(Label label, std::string_view value);

  // accept, authorise
  void connection_opened(std::string_view listener);
  void connection_closed();
  void connection_refused(Fault cause);
  void auth_attempt(bool succeeded);
  void command_refused(Fault cause);
  void message_accepted(std::string_view client, std::uint64_t bytes);
  void message_refused(std::string_view client, Fault cause);
  void limit_hit(std::string_view limit);  ///< A fixed name of ours.
  // align
  void alignment(std::string_view domain, std::string_view verdict, std::string_view reason,
                 std::string_view action);
  void strict_alignment(std::string_view domain, std::string_view verdict);
  void worlds_differ(std::string_view domain);
  /// Counted, and the gauges set where domain and egress are allowed labels: a HELO name or a
  /// stranger's domain has none.
  void spf_result(std::string_view domain, std::string_view egress, std::string_view result,
                  unsigned lookups);
  void verdict_cache(std::string_view kind, std::string_view event);
  /// An attempt through an egress address, and what SPF was known to say of it.
  void egress_used(std::string_view egress, std::string_view spf);
  void clock_step();
  void clock_state(bool is_synchronised, bool is_steady);
  // sign
  void signature_made(std::string_view domain, std::string_view algorithm);
  void message_unsigned(std::string_view domain, std::string_view reason);
  void signature_wrong(std::string_view domain);  ///< Self-verification failed: must page somebody.
  void cached_key_path_broken();                  ///< libopendkim does not use our loaded keys.
  void repaired(std::string_view repair);
  // spool
  void commit(std::size_t messages, std::chrono::microseconds took);
  void spool_broken(bool broken);
  // delivery
  void attempt(std::string_view route, std::string_view pool, AttemptResult result,
               std::string_view reply_class, bool tls);
  /// One recipient of an attempt. `provider` and `cause` are fixed words of ours.
  void provider_attempt(std::string_view route, std::string_view provider, AttemptResult result,
                        std::string_view cause);
  void recipient_done(std::string_view route, AttemptResult result);
  void maybe_duplicate();
  void dsn_made(std::string_view kind);
  void dsn_dropped();
  void outbound_connection(int change);
  /// `version` as OpenSSL writes it: "TLSv1.3".
  void tls_handshake(std::string_view direction, std::string_view version);
  // everywhere
  void stage_took(Stage stage, std::chrono::microseconds took);
  /// A configuration was read: the first one too, which counts as no reload.
  void configuration_read(bool succeeded, std::int64_t unix_seconds);
  void reload(bool succeeded);
  void dns_answer(std::string_view result, std::chrono::microseconds took);
  void dns_unvalidated(bool unvalidated);
  void certificate_expires(std::string_view listener, std::int64_t unix_seconds);

  /// The value of a gauge or counter without labels, asked for at each scrape; called on the
  /// scraping thread, so it must not block.
  void on_scrape(Family family, std::function<double()> read);
  void loop_lag(std::size_t loop, std::chrono::microseconds lag);
  void held(std::string_view reason, std::int64_t messages);

  // keys
  void keys(std::string_view state, std::int64_t count);
  void key_moved(std::string_view state);
  /// The last three in seconds since 1970; 0: none.
  void key_census(std::int64_t mismatches, std::int64_t oldest_active, std::int64_t least_proven,
                  std::int64_t next_rotation);
  /// Only for domains that are allowed as a label: the others are in keys() alone. `rotation` in
  /// seconds since 1970; 0: never.
  void domain_keys(std::string_view domain, std::string_view state, std::int64_t count);
  void domain_key_rotation(std::string_view domain, std::int64_t rotation);
  void publisher_failed();

  // admin
  void admin_request(int status);  ///< Of HTTP.
  // audit; from one thread at a time.
  void audited();
  /// `value`: 1, 0 or -1. A domain that may not be a label has no gauge of its own, nor has one
  /// that comes when the table of series is full.
  void audit_check(std::string_view domain, std::string_view check, double value);
  /// Its gauges go.
  void audit_forgotten(std::string_view domain);
  void audit_domains(std::string_view check, std::string_view result, std::int64_t count);

  /// Prometheus text format 0.0.4.
  [[nodiscard]] std::string expose() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace signet::monitoring
