// The relay reads its configuration anew, while it runs.
#include <spdlog/spdlog.h>

#include <set>

#include "relay/align/ways_out.hpp"
#include "relay/relay.hpp"
#include "relay/snapshot.hpp"

namespace signet {
namespace {

using Label = monitoring::Metrics::Label;
using Labels = std::set<std::pair<Label, std::string>>;

/// Addresses of ours, and those of a next hop that SPF must list.
void add_addresses(const config::Settings& settings, Labels& labels) {
  for (const auto& pool : settings.pools) {
    for (const auto& address : pool.addresses)
      labels.emplace(Label::egress, address.public_address.to_string());
  }
  for (const auto& route : settings.routes) {
    align::WaysOut ways;
    align::add_ways(route, nullptr, false, ways);
    for (const auto& point : ways.points) labels.emplace(Label::egress, point.address.to_string());
  }
}

/// The values of labels that a configuration names.
Labels labels_of(const config::Settings& settings) {
  Labels labels;
  for (const auto& client : settings.clients) {
    labels.emplace(Label::client, client.name);
    for (const Domain& domain : client.domains) labels.emplace(Label::domain, domain.text());
  }
  for (const auto& pool : settings.pools) labels.emplace(Label::pool, pool.name);
  for (const auto& route : settings.routes) labels.emplace(Label::route, route.name);
  if (settings.signing.platform_domain)
    labels.emplace(Label::domain, settings.signing.platform_domain->text());
  add_addresses(settings, labels);
  return labels;
}

}  // namespace

// One at a time, and once more for those that came meanwhile: what was read last is what counts.
net::Task<void> Relay::reload() {
  reload_wanted_ = true;
  if (reloading_) co_return;
  reloading_ = true;
  while (reload_wanted_) {
    reload_wanted_ = false;
    auto askers = std::exchange(reload_askers_, {});
    const auto done = co_await reload_once();
    for (auto& tell : askers) tell(done);
  }
  reloading_ = false;
}

void Relay::reload_for(OperatorActions::Reloaded done) {
  control_.post([this, done = std::move(done)]() mutable {
    if (options_.config_file.empty())
      return done(fail(Fault::configuration, "no file", "It was started without a file"));
    reload_askers_.push_back(std::move(done));
    tasks_.spawn(reload());
  });
}

net::Task<Result<Snapshot>> Relay::next_snapshot() {
  auto loaded = co_await net::run_on(*pool_, control_,
                                     [file = options_.config_file, at_start = options_.settings] {
                                       return load_snapshot(file, *at_start);
                                     });
  if (!loaded) co_return loaded;
  const std::string objection = co_await rehearsal_->objection(loaded->settings);
  if (!objection.empty()) co_return fail(Fault::configuration, objection);
  co_return loaded;
}

net::Task<Result<void>> Relay::reload_once() {
  auto loaded = co_await next_snapshot();
  metrics_.reload(loaded.has_value());
  metrics_.configuration_read(loaded.has_value(), unix_seconds(clock_.now()));
  log_->reopen();
  if (!loaded) {
    reloads_.refused(clock_.now(), loaded.error().detail);
    spdlog::error("reload failed, the old configuration stays: {}", loaded.error().detail);
    co_return loaded.failure();
  }
  const auto unchanged = fixed_at_start(*options_.settings, *loaded->settings);
  for (const std::string& name : unchanged) {
    spdlog::warn("reload: {} changed, which counts only at a restart", name);
  }
  allow_labels(*loaded->settings);
  tell_certificates(*loaded);
  webhook_->aim(loaded->webhook);
  const auto before = current_->get()->settings;
  current_->set(std::move(*loaded));
  forget_labels(*before, *current_->get()->settings);
  reloads_.applied(clock_.now(), unchanged);
  spdlog::info("configuration reloaded");
  co_return Result<void>{};
}

void Relay::allow_labels(const config::Settings& settings) {
  for (const auto& [label, value] : labels_of(settings)) metrics_.allow(label, value);
}

void Relay::forget_labels(const config::Settings& before, const config::Settings& now) {
  const auto kept = labels_of(now);
  for (const auto& each : labels_of(before)) {
    if (!kept.contains(each)) metrics_.forget(each.first, each.second);
  }
}

void Relay::tell_certificates(const Snapshot& snapshot) {
  if (!snapshot.server_tls) return;
  for (const auto& listener : options_.settings->listeners) {
    if (listener.tls != config::ListenerTls::none)
      metrics_.certificate_expires(listener.name, snapshot.server_tls->first_expiry());
  }
}

}  // namespace signet
