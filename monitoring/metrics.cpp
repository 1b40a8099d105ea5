#include "monitoring/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <unordered_set>
#include <variant>

#include "monitoring/metric_families.hpp"
#include "monitoring/metric_text.hpp"

namespace signet::monitoring {
namespace {

constexpr std::size_t kMaxSeries = 10000;   // Of one family.
constexpr std::size_t kMaxAllowed = 10000;  // Values of one bounded label.
constexpr std::string_view kOther = "other";

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;
using Values = std::initializer_list<std::string_view>;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};
using TextSet = std::unordered_set<std::string, TextHash, std::equal_to<>>;

constexpr std::array<std::string_view, 5> kBoundedLabels{"client", "domain", "pool", "route",
                                                         "egress"};

/// The position in kBoundedLabels, or its size for a label of a fixed set.
constexpr std::size_t bound_of(std::string_view label) {
  std::size_t i = 0;
  while (i < kBoundedLabels.size() && kBoundedLabels[i] != label) ++i;
  return i;
}

double in_seconds(std::chrono::microseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string_view name_of(Stage stage) {
  constexpr std::array<std::string_view, 9> kNames{"authorise", "parse", "plan",  "align",  "sign",
                                                   "verify",    "spool", "route", "deliver"};
  return kNames[static_cast<std::size_t>(stage)];
}

std::string_view name_of(AttemptResult result) {
  constexpr std::array<std::string_view, 3> kNames{"delivered", "deferred", "failed"};
  return kNames[static_cast<std::size_t>(result)];
}

/// "2xx" for "250 …": a peer's words never become a label.
std::string_view class_of(std::string_view reply) {
  constexpr std::array<std::string_view, 3> kCodes{"2xx", "4xx", "5xx"};
  constexpr std::array<std::string_view, 6> kOwn{"none", "connect", "tls",
                                                 "dns",  "timeout", "held"};
  for (const auto code : kCodes) {
    if (!reply.empty() && reply.front() == code.front()) return code;
  }
  for (const auto own : kOwn) {
    if (reply == own) return own;
  }
  return reply.empty() ? "none" : kOther;
}

/// Of a key of a series: values, each with a NUL behind it.
std::string_view value_at(std::string_view key, std::size_t position) {
  for (; position > 0; --position) key.remove_prefix(key.find('\0') + 1);
  return key.substr(0, key.find('\0'));
}

}  // namespace

struct Metrics::Impl {
  /// One of the three kinds, as the registry owns it.
  using Series = std::variant<Counter*, Gauge*, Histogram*>;
  struct FamilySeries {
    std::variant<prometheus::Family<Counter>*, prometheus::Family<Gauge>*,
                 prometheus::Family<Histogram>*>
        family;
    std::unordered_map<std::string, Series, TextHash, std::equal_to<>> series;
  };

  Impl();
  FamilySeries make_family(const FamilyRow& row);
  std::string_view bounded(const char* label, std::string_view value) const;
  void count_other(const char* label, std::string_view value, std::string_view shown);
  /// Under the mutex, shared or not.
  void count_dropped() {
    const auto& dropped = families[static_cast<std::size_t>(Family::series_dropped)].series;
    std::get<Counter*>(dropped.begin()->second)->Increment();
  }
  void scrape(Family family, double value);
  bool are_allowed(Family family, Values values);
  Series find_or_make(Family family, Values values);
  Series make(Family family, const std::string& key, Values values);
  Series add(FamilySeries& to, const prometheus::Labels& labels);
  /// Those whose label at `position` has that value.
  void remove_gauges(Family family, std::size_t position, std::string_view value);

  Counter& counter(Family family, Values values = {}) {
    return *std::get<Counter*>(find_or_make(family, values));
  }
  Gauge& gauge(Family family, Values values = {}) {
    return *std::get<Gauge*>(find_or_make(family, values));
  }
  /// Nothing where a value is not allowed: a gauge of "other" would tell of the last of many.
  void set_if_allowed(Family family, Values values, double value) {
    const std::shared_lock lock(removal);
    if (are_allowed(family, values)) gauge(family, values).Set(value);
  }
  Histogram& histogram(Family family, Values values = {}) {
    return *std::get<Histogram*>(find_or_make(family, values));
  }

  prometheus::Registry registry;
  std::shared_mutex mutex;  // Guards `allowed` and `families`; the series themselves are atomic.
  std::array<TextSet, kBoundedLabels.size()> allowed;
  std::vector<FamilySeries> families;
  std::array<Counter*, kBoundedLabels.size()> other_values{};
  std::shared_mutex removal;  // Shared while a gauge that may be removed is set; before `mutex`.
  std::mutex scrape_mutex;
  std::map<Family, std::function<double()>> scraped;
};

Metrics::Impl::Impl() {
  families.reserve(kFamilies.size());
  for (const FamilyRow& row : kFamilies) families.push_back(make_family(row));
  // Without labels a series is there from the start, so that a rate() over its first event works.
  for (const FamilyRow& row : kFamilies) {
    if (row.labels.front() == nullptr) find_or_make(row.family, {});
  }
  for (std::size_t i = 0; i < kBoundedLabels.size(); ++i)
    other_values[i] = &counter(Family::label_values_other, {kBoundedLabels[i]});
  gauge(Family::build_info, {SIGNET_VERSION}).Set(1);
  gauge(Family::reload_successful).Set(1);
}

Metrics::Impl::FamilySeries Metrics::Impl::make_family(const FamilyRow& row) {
  switch (row.kind) {
    case Kind::counter:
      return {&prometheus::BuildCounter().Name(row.name).Help(row.help).Register(registry), {}};
    case Kind::gauge:
      return {&prometheus::BuildGauge().Name(row.name).Help(row.help).Register(registry), {}};
    case Kind::histogram:
      break;
  }
  return {&prometheus::BuildHistogram().Name(row.name).Help(row.help).Register(registry), {}};
}

std::string_view Metrics::Impl::bounded(const char* label, std::string_view value) const {
  if (value.empty()) return "none";
  const std::size_t bound = bound_of(label);
  return bound == kBoundedLabels.size() || allowed[bound].contains(value) ? value : kOther;
}

void Metrics::Impl::count_other(const char* label, std::string_view value, std::string_view shown) {
  if (shown.data() == kOther.data() && value != kOther) other_values[bound_of(label)]->Increment();
}

bool Metrics::Impl::are_allowed(Family family, Values values) {
  const FamilyRow& row = monitoring::row(family);
  const std::shared_lock lock(mutex);
  std::size_t i = 0;
  return std::ranges::all_of(
      values, [&](std::string_view value) { return bounded(row.labels[i++], value) == value; });
}

void Metrics::Impl::scrape(Family family, double value) {
  if (monitoring::row(family).kind == Kind::gauge) return gauge(family).Set(value);
  Counter& count = counter(family);
  count.Increment(std::max(0.0, value - count.Value()));
}

Metrics::Impl::Series Metrics::Impl::find_or_make(Family family, Values values) {
  const FamilyRow& row = monitoring::row(family);
  thread_local std::string key;  // Keeps its memory from fact to fact.
  key.clear();
  {
    const std::shared_lock lock(mutex);
    std::size_t i = 0;
    for (const std::string_view value : values) {
      const char* label = row.labels[i++];
      const std::string_view shown = bounded(label, value);
      count_other(label, value, shown);
      key.append(shown) += '\0';
    }
    const auto& series = families[static_cast<std::size_t>(family)].series;
    if (const auto found = series.find(std::string_view(key)); found != series.end()) {
      return found->second;
    }
  }
  return make(family, key, values);
}

Metrics::Impl::Series Metrics::Impl::make(Family family, const std::string& key, Values values) {
  const std::unique_lock lock(mutex);
  FamilySeries& mine = families[static_cast<std::size_t>(family)];
  const bool is_full = mine.series.size() >= kMaxSeries;
  const FamilyRow& row = monitoring::row(family);
  prometheus::Labels labels;
  std::size_t i = 0;
  for (const std::string_view value : values) {
    const char* label = row.labels[i++];
    labels.emplace(label, is_full ? kOther : bounded(label, value));
  }
  if (is_full) {
    count_dropped();
    return add(mine, labels);
  }
  const auto made = mine.series.try_emplace(key, add(mine, labels));
  return made.first->second;
}

Metrics::Impl::Series Metrics::Impl::add(FamilySeries& to, const prometheus::Labels& labels) {
  // The registry answers with the series it has when the labels are the same.
  if (auto** counters = std::get_if<prometheus::Family<Counter>*>(&to.family)) {
    return &(*counters)->Add(labels);
  }
  if (auto** gauges = std::get_if<prometheus::Family<Gauge>*>(&to.family)) {
    return &(*gauges)->Add(labels);
  }
  auto& histograms = *std::get<prometheus::Family<Histogram>*>(to.family);
  const bool in_seconds = histograms.GetName().ends_with("_seconds");
  return &histograms.Add(
      labels, in_seconds ? Histogram::BucketBoundaries(kBuckets.begin(), kBuckets.end())
                         : Histogram::BucketBoundaries(kSizeBuckets.begin(), kSizeBuckets.end()));
}

void Metrics::Impl::remove_gauges(Family family, std::size_t position, std::string_view value) {
  const std::scoped_lock lock(removal, mutex);
  FamilySeries& mine = families[static_cast<std::size_t>(family)];
  std::erase_if(mine.series, [&](const auto& each) {
    const auto& [key, series] = each;
    if (value_at(key, position) != value) return false;
    std::get<prometheus::Family<Gauge>*>(mine.family)->Remove(std::get<Gauge*>(series));
    return true;
  });
}

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::allow(Label label, std::string_view value) {
  TextSet& values = impl_->allowed[static_cast<std::size_t>(label)];
  {  // Each message comes here: with a full table, too, nobody waits for anybody.
    const std::shared_lock lock(impl_->mutex);
    if (values.contains(value)) return;
    if (values.size() >= kMaxAllowed) return impl_->count_dropped();
  }
  const std::unique_lock lock(impl_->mutex);
  if (values.size() < kMaxAllowed) values.emplace(value);
}

void Metrics::forget(Label label, std::string_view value) {
  {
    const std::scoped_lock lock(impl_->removal, impl_->mutex);
    TextSet& values = impl_->allowed[static_cast<std::size_t>(label)];
    if (const auto found = values.find(value); found != values.end()) values.erase(found);
  }
  const std::string_view name = kBoundedLabels[static_cast<std::size_t>(label)];
  for (const FamilyRow& row : kFamilies) {
    for (std::size_t i = 0; row.kind == Kind::gauge && i < row.labels.size(); ++i) {
      if (row.labels[i] != nullptr && row.labels[i] == name)
        impl_->remove_gauges(row.family, i, value);
    }
  }
}

void Metrics::connection_opened(std::string_view listener) {
  impl_->counter(Family::connections, {listener}).Increment();
  impl_->gauge(Family::connections_open).Increment();
}
void Metrics::connection_closed() { impl_->gauge(Family::connections_open).Decrement(); }
void Metrics::connection_refused(Fault cause) {
  impl_->counter(Family::connections_refused, {signet::row(cause).name}).Increment();
}
void Metrics::auth_attempt(bool succeeded) {
  impl_->counter(Family::auth_attempts, {succeeded ? "succeeded" : "failed"}).Increment();
}
void Metrics::command_refused(Fault cause) {
  impl_->counter(Family::commands_refused, {signet::row(cause).name}).Increment();
}
void Metrics::message_accepted(std::string_view client, std::uint64_t bytes) {
  impl_->counter(Family::messages_accepted, {client}).Increment();
  impl_->counter(Family::message_bytes, {client}).Increment(static_cast<double>(bytes));
}
void Metrics::message_refused(std::string_view client, Fault cause) {
  impl_->counter(Family::messages_refused, {client, signet::row(cause).name}).Increment();
}
void Metrics::limit_hit(std::string_view limit) {
  impl_->counter(Family::limit_hits, {limit}).Increment();
}

void Metrics::alignment(std::string_view domain, std::string_view verdict, std::string_view reason,
                        std::string_view action) {
  impl_->counter(Family::alignment, {domain, verdict, reason, action}).Increment();
}
void Metrics::strict_alignment(std::string_view domain, std::string_view verdict) {
  impl_->counter(Family::strict_alignment, {domain, verdict}).Increment();
}
void Metrics::worlds_differ(std::string_view domain) {
  impl_->counter(Family::worlds_differ, {domain}).Increment();
}
void Metrics::spf_result(std::string_view domain, std::string_view egress, std::string_view result,
                         unsigned lookups) {
  impl_->counter(Family::spf_results, {domain, egress, result}).Increment();
  impl_->set_if_allowed(Family::spf_lookups, {domain}, lookups);
  if (result != "temperror")  // What is not known changes nothing.
    impl_->set_if_allowed(Family::spf_egress_pass, {domain, egress}, result == "pass" ? 1 : 0);
}
void Metrics::verdict_cache(std::string_view kind, std::string_view event) {
  impl_->counter(Family::verdict_cache, {kind, event}).Increment();
}
void Metrics::egress_used(std::string_view egress, std::string_view spf) {
  impl_->counter(Family::egress_used, {egress, spf}).Increment();
}
void Metrics::clock_step() { impl_->counter(Family::clock_steps).Increment(); }
void Metrics::clock_state(bool is_synchronised, bool is_steady) {
  impl_->gauge(Family::clock_unsynchronised).Set(is_synchronised ? 0 : 1);
  impl_->gauge(Family::clock_unsteady).Set(is_steady ? 0 : 1);
}

void Metrics::signature_made(std::string_view domain, std::string_view algorithm) {
  impl_->counter(Family::signatures, {domain, algorithm}).Increment();
}
void Metrics::message_unsigned(std::string_view domain, std::string_view reason) {
  impl_->counter(Family::messages_unsigned, {domain, reason}).Increment();
}
void Metrics::signature_wrong(std::string_view domain) {
  impl_->counter(Family::signatures_wrong, {domain}).Increment();
}
void Metrics::cached_key_path_broken() { impl_->gauge(Family::cached_key_path_broken).Set(1); }
void Metrics::repaired(std::string_view repair) {
  impl_->counter(Family::repairs, {repair}).Increment();
}

void Metrics::commit(std::size_t messages, std::chrono::microseconds took) {
  impl_->counter(Family::commits).Increment();
  impl_->counter(Family::committed_messages).Increment(static_cast<double>(messages));
  impl_->histogram(Family::commit_duration).Observe(in_seconds(took));
  impl_->histogram(Family::commit_messages).Observe(static_cast<double>(messages));
}
void Metrics::spool_broken(bool broken) { impl_->gauge(Family::spool_broken).Set(broken ? 1 : 0); }

void Metrics::attempt(std::string_view route, std::string_view pool, AttemptResult result,
                      std::string_view reply_class, bool tls) {
  impl_
      ->counter(Family::delivery_attempts,
                {route, pool, name_of(result), class_of(reply_class), tls ? "yes" : "no"})
      .Increment();
}
void Metrics::provider_attempt(std::string_view route, std::string_view provider,
                               AttemptResult result, std::string_view cause) {
  impl_->counter(Family::provider_attempts, {route, provider, name_of(result), cause}).Increment();
}
void Metrics::recipient_done(std::string_view route, AttemptResult result) {
  impl_->counter(Family::recipients, {route, name_of(result)}).Increment();
}
void Metrics::maybe_duplicate() { impl_->counter(Family::maybe_duplicates).Increment(); }
void Metrics::dsn_made(std::string_view kind) { impl_->counter(Family::dsn, {kind}).Increment(); }
void Metrics::dsn_dropped() { impl_->counter(Family::dsn_dropped).Increment(); }
void Metrics::outbound_connection(int change) {
  impl_->gauge(Family::outbound_connections).Increment(change);
}
void Metrics::tls_handshake(std::string_view direction, std::string_view version) {
  impl_->counter(Family::tls_handshakes, {direction, version}).Increment();
}

void Metrics::stage_took(Stage stage, std::chrono::microseconds took) {
  impl_->histogram(Family::stage_duration, {name_of(stage)}).Observe(in_seconds(took));
}
void Metrics::configuration_read(bool succeeded, std::int64_t unix_seconds) {
  impl_->gauge(Family::reload_time).Set(static_cast<double>(unix_seconds));
  if (succeeded) impl_->gauge(Family::configuration_generation).Increment();
}
void Metrics::admin_request(int status) {
  impl_->counter(Family::admin_requests, {std::to_string(status)}).Increment();
}

void Metrics::reload(bool succeeded) {
  impl_->counter(Family::reloads, {succeeded ? "succeeded" : "failed"}).Increment();
  impl_->gauge(Family::reload_successful).Set(succeeded ? 1 : 0);
}
void Metrics::dns_answer(std::string_view result, std::chrono::microseconds took) {
  impl_->counter(Family::dns_answers, {result}).Increment();
  impl_->histogram(Family::dns_duration).Observe(in_seconds(took));
}
void Metrics::dns_unvalidated(bool unvalidated) {
  impl_->gauge(Family::dns_unvalidated).Set(unvalidated ? 1 : 0);
}
void Metrics::certificate_expires(std::string_view listener, std::int64_t unix_seconds) {
  impl_->gauge(Family::certificate_expiry, {listener}).Set(static_cast<double>(unix_seconds));
}

void Metrics::on_scrape(Family family, std::function<double()> read) {
  const std::lock_guard lock(impl_->scrape_mutex);
  impl_->scraped[family] = std::move(read);
}
void Metrics::loop_lag(std::size_t loop, std::chrono::microseconds lag) {
  impl_->histogram(Family::loop_lag, {std::to_string(loop)}).Observe(in_seconds(lag));
}
void Metrics::held(std::string_view reason, std::int64_t messages) {
  impl_->gauge(Family::held_messages, {reason}).Set(static_cast<double>(messages));
}

void Metrics::keys(std::string_view state, std::int64_t count) {
  impl_->gauge(Family::keys, {state}).Set(static_cast<double>(count));
}
void Metrics::key_moved(std::string_view state) {
  impl_->counter(Family::key_moves, {state}).Increment();
}
void Metrics::key_census(std::int64_t mismatches, std::int64_t oldest_active,
                         std::int64_t least_proven, std::int64_t next_rotation) {
  impl_->gauge(Family::key_mismatches).Set(static_cast<double>(mismatches));
  impl_->gauge(Family::key_oldest_active).Set(static_cast<double>(oldest_active));
  impl_->gauge(Family::key_least_proven).Set(static_cast<double>(least_proven));
  impl_->gauge(Family::key_next_rotation).Set(static_cast<double>(next_rotation));
}
void Metrics::domain_keys(std::string_view domain, std::string_view state, std::int64_t count) {
  impl_->set_if_allowed(Family::domain_keys, {domain, state}, static_cast<double>(count));
}
void Metrics::domain_key_rotation(std::string_view domain, std::int64_t rotation) {
  impl_->set_if_allowed(Family::domain_key_rotation, {domain}, static_cast<double>(rotation));
}
void Metrics::publisher_failed() { impl_->counter(Family::publisher_errors).Increment(); }

void Metrics::audited() { impl_->counter(Family::audits).Increment(); }
void Metrics::audit_check(std::string_view domain, std::string_view check, double value) {
  {
    const std::shared_lock lock(impl_->mutex);
    // With a full table there would be one gauge for many domains.
    const auto& series = impl_->families[static_cast<std::size_t>(Family::audit_check)].series;
    const std::string key = std::string(domain) + '\0' + std::string(check) + '\0';
    if (series.size() >= kMaxSeries && !series.contains(std::string_view(key))) return;
  }
  impl_->set_if_allowed(Family::audit_check, {domain, check}, value);
}
void Metrics::audit_forgotten(std::string_view domain) {
  impl_->remove_gauges(Family::audit_check, 0, domain);
}
void Metrics::audit_domains(std::string_view check, std::string_view result, std::int64_t count) {
  impl_->gauge(Family::audit_domains, {check, result}).Set(static_cast<double>(count));
}

std::string Metrics::expose() const {
  {
    const std::lock_guard lock(impl_->scrape_mutex);
    for (const auto& [family, read] : impl_->scraped) impl_->scrape(family, read());
  }
  return to_text(impl_->registry.Collect());
}

}  // namespace signet::monitoring
