#include "relay/admin/top_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "relay/admin/queue_text.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

struct Gauge {
  const char* name;
  const char* metric;
};
constexpr std::array<Gauge, 9> kGauges{{{"messages", "signet_queue_messages"},
                                        {"held", "signet_queue_held_messages"},
                                        {"oldest_seconds", "signet_queue_oldest_seconds"},
                                        {"suspended", "signet_suspensions"},
                                        {"backing_off", "signet_destinations_backing_off"},
                                        {"connections_in", "signet_connections_open"},
                                        {"connections_out", "signet_outbound_connections_open"},
                                        {"memory_bytes", "process_resident_memory_bytes"},
                                        {"generation", "signet_configuration_generation"}}};

enum class Style { plain, heading, warning };
struct StyledLine {
  std::string text;
  Style style = Style::plain;
};

std::string_view label_of(const Sample& sample, std::string_view name) {
  const auto found = sample.labels.find(name);
  return found == sample.labels.end() ? std::string_view{} : std::string_view(found->second);
}

using Chooses = std::function<bool(const Sample&)>;

double sum_of(const std::vector<Sample>& samples, std::string_view metric,
              const Chooses& chooses = {}) {
  double sum = 0;
  for (const Sample& sample : samples) {
    if (sample.name == metric && (!chooses || chooses(sample))) sum += sample.value;
  }
  return sum;
}

/// Counts, and what they were before.
class Counts {
 public:
  Counts(const MetricsReading& now, const MetricsReading* before, double seconds)
      : now_(now), before_(before), seconds_(seconds) {}

  [[nodiscard]] Rate rate(std::string_view metric, const Chooses& chooses = {}) const {
    const double total = sum_of(now_.samples, metric, chooses);
    const double was = before_ == nullptr ? 0 : sum_of(before_->samples, metric, chooses);
    return {total, seconds_ > 0 ? std::max(0.0, total - was) / seconds_ : 0};
  }
  [[nodiscard]] Rate with(std::string_view metric, std::string_view label,
                          std::string_view value) const {
    return rate(metric, [=](const Sample& sample) { return label_of(sample, label) == value; });
  }

 private:
  const MetricsReading& now_;
  const MetricsReading* before_;
  double seconds_;
};

TopView::Provider provider_of(const Counts& counts, std::string_view provider) {
  const auto of = [&](std::string_view result) {
    return counts.rate("signet_provider_attempts_total", [=](const Sample& sample) {
      return label_of(sample, "provider") == provider && label_of(sample, "result") == result;
    });
  };
  return {of("delivered"), of("deferred"), of("failed")};
}

std::string count_text(double count) { return fmt::format("{:.0f}", count); }

std::string rate_text(double rate) {
  return rate < 100 ? fmt::format("{:.1f}", rate) : fmt::format("{:.0f}", rate);
}

std::string bytes_text(double octets) {
  return size_text(static_cast<std::uint64_t>(std::max(0.0, octets)));
}

std::string seconds_text(double seconds) { return age_text(std::llround(seconds)); }

/// What happens most comes first; then by name.
template <typename Value, typename Weight>
std::vector<std::pair<std::string, Value>> by_weight(const std::map<std::string, Value>& rows,
                                                     Weight weight) {
  std::vector<std::pair<std::string, Value>> sorted(rows.begin(), rows.end());
  std::ranges::sort(sorted, [&](const auto& one, const auto& other) {
    const auto first = weight(one.second);
    const auto second = weight(other.second);
    return first == second ? one.first < other.first : second < first;
  });
  return sorted;
}

void add_summary(const TopView& view, std::vector<StyledLine>& lines) {
  const auto gauge = [&](const char* name) { return view.gauges.at(name); };
  const auto rate = [&](const char* name) { return rate_text(view.rates.at(name).per_second); };
  lines.push_back({fmt::format("signet {}  {}  up {}  configuration {}", view.version,
                               view.is_ready ? "ready" : "NOT READY",
                               seconds_text(view.uptime.count()), count_text(gauge("generation"))),
                   view.is_ready ? Style::heading : Style::warning});
  lines.push_back(
      {fmt::format("queue   {} messages, oldest {}, {} held; {} suspended, {} "
                   "destinations backing off",
                   count_text(gauge("messages")), seconds_text(gauge("oldest_seconds")),
                   count_text(gauge("held")), count_text(gauge("suspended")),
                   count_text(gauge("backing_off")))});
  lines.push_back({fmt::format(
      "open    {} connections in, {} out; memory {}", count_text(gauge("connections_in")),
      count_text(gauge("connections_out")), bytes_text(gauge("memory_bytes")))});
  lines.push_back(
      {fmt::format("rate/s  {} accepted, {} refused; {} delivered, {} deferred, {} "
                   "failed (over {})",
                   rate("accepted"), rate("refused"), rate("delivered"), rate("deferred"),
                   rate("failed"), seconds_text(view.span.count()))});
}

void add_refusals(const TopView& view, std::vector<StyledLine>& lines) {
  if (view.refusals.empty()) return;
  lines.push_back({});
  lines.push_back({fmt::format("{:<28} {:>9} {:>9}", "REFUSED", "/S", "TOTAL"), Style::heading});
  const auto rows = by_weight(
      view.refusals, [](const Rate& rate) { return std::pair(rate.per_second, rate.total); });
  for (const auto& [cause, rate] : rows)
    lines.push_back({fmt::format("{:<28} {:>9} {:>9}", cause, rate_text(rate.per_second),
                                 count_text(rate.total)),
                     rate.per_second > 0 ? Style::warning : Style::plain});
}

void add_providers(const TopView& view, std::vector<StyledLine>& lines) {
  if (view.providers.empty()) return;
  constexpr std::string_view kRow = "{:<16} {:>11} {:>11} {:>9} {:>10} {:>9} {:>9}";
  lines.push_back({});
  lines.push_back({fmt::format(kRow, "PROVIDER", "DELIVERED/S", "DEFERRED/S", "FAILED/S",
                               "DELIVERED", "DEFERRED", "FAILED"),
                   Style::heading});
  const auto rows = by_weight(view.providers, [](const TopView::Provider& each) {
    return std::pair(each.delivered.per_second + each.deferred.per_second + each.failed.per_second,
                     each.delivered.total + each.deferred.total + each.failed.total);
  });
  for (const auto& [name, each] : rows)
    lines.push_back(
        {fmt::format(kRow, name, rate_text(each.delivered.per_second),
                     rate_text(each.deferred.per_second), rate_text(each.failed.per_second),
                     count_text(each.delivered.total), count_text(each.deferred.total),
                     count_text(each.failed.total)),
         each.deferred.per_second + each.failed.per_second > 0 ? Style::warning : Style::plain});
}

std::string styled(const StyledLine& line, std::size_t columns, bool colours) {
  std::string text = fit(line.text, columns);
  if (!colours || line.style == Style::plain) return text;
  return (line.style == Style::heading ? "\x1b[1m" : "\x1b[33m") + text + "\x1b[0m";
}

json to_json(const Rate& rate) { return {{"total", rate.total}, {"per_second", rate.per_second}}; }

json to_json(const std::map<std::string, Rate>& rates) {
  json told = json::object();
  for (const auto& [name, rate] : rates) told[name] = to_json(rate);
  return told;
}

}  // namespace

TopView look_at(const MetricsReading& now, const std::optional<MetricsReading>& before) {
  const bool is_same_process = before && before->uptime < now.uptime;
  TopView view;
  view.uptime = now.uptime;
  view.span = is_same_process ? now.uptime - before->uptime : now.uptime;
  view.is_ready = sum_of(now.samples, "signet_ready") > 0;
  const Counts counts(now, is_same_process ? &*before : nullptr, view.span.count());
  for (const auto& [name, metric] : kGauges) view.gauges[name] = sum_of(now.samples, metric);
  view.rates["accepted"] = counts.rate("signet_messages_accepted_total");
  view.rates["refused"] = counts.rate("signet_messages_refused_total");
  for (const char* result : {"delivered", "deferred", "failed"})
    view.rates[result] = counts.with("signet_delivery_attempts_total", "result", result);
  for (const Sample& sample : now.samples) {
    if (sample.name == "signet_build_info") view.version = label_of(sample, "version");
    if (sample.name == "signet_messages_refused_total") {
      const std::string cause(label_of(sample, "cause"));
      view.refusals[cause] = counts.with(sample.name, "cause", cause);
    }
    if (sample.name == "signet_provider_attempts_total") {
      const std::string provider(label_of(sample, "provider"));
      view.providers[provider] = provider_of(counts, provider);
    }
  }
  return view;
}

std::vector<std::string> frame_of(const TopView& view, TerminalSize size, bool colours) {
  std::vector<StyledLine> lines;
  add_summary(view, lines);
  add_providers(view, lines);
  add_refusals(view, lines);
  if (size.rows > 0 && lines.size() > size.rows) lines.resize(size.rows);
  std::vector<std::string> frame;
  frame.reserve(lines.size());
  for (const StyledLine& line : lines) frame.push_back(styled(line, size.columns, colours));
  return frame;
}

json to_json(const TopView& view) {
  json providers = json::object();
  for (const auto& [name, each] : view.providers)
    providers[name] = {{"delivered", to_json(each.delivered)},
                       {"deferred", to_json(each.deferred)},
                       {"failed", to_json(each.failed)}};
  return {{"version", view.version},
          {"uptime_seconds", view.uptime.count()},
          {"span_seconds", view.span.count()},
          {"ready", view.is_ready},
          {"gauges", view.gauges},
          {"rates", to_json(view.rates)},
          {"refusals", to_json(view.refusals)},
          {"providers", std::move(providers)}};
}

}  // namespace signet::admin
