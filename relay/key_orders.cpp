// `signet keys list | show | publish | activate | rotate | retire | revoke`: an operator's orders.
//
// They work on the store itself, under the same lock as the relay, which sees the change within 5
// s.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "keys/domain_store.hpp"
#include "relay/commands.hpp"
#include "relay/key_json.hpp"
#include "relay/net/loop.hpp"
#include "relay/report/delivery_log.hpp"
#include "relay/rotation_parts.hpp"

namespace signet::commands {
namespace {

using nlohmann::json;

constexpr int kRefused = 1;
constexpr int kBroken = 2;

int complain(const Error& error) {
  std::fprintf(stderr, "signet: %s\n", error.detail.c_str());
  const bool refused = error.fault == Fault::not_found || error.fault == Fault::key_state_wrong ||
                       error.fault == Fault::bad_parameter;
  return refused ? kRefused : kBroken;
}

/// Store, publisher and proof as the configuration has them; with a store alone: by hand.
class Orders {
 public:
  explicit Orders(const config::Settings& settings)
      : parts_(settings, "uid " + std::to_string(geteuid()) + " (command line)"),
        rotator_(parts_.options, *parts_.publisher, parts_.proof, clock_,
                 {.moved = [this](const Domain& domain, const keys::KeyEntry& key,
                                  keys::KeyState from) { note(domain, key, from); },
                  .mismatched = {},
                  .publisher_failed = {}}) {
    const auto& file = settings.monitoring.delivery_log;
    if (file.empty() || file == "-") return;
    auto log = report::DeliveryLog::open(file);
    if (log) log_ = std::move(*log);
  }

  [[nodiscard]] keys::Rotator& rotator() { return rotator_; }
  [[nodiscard]] bool publishes() const { return parts_.publisher->acts(); }

 private:
  void note(const Domain& domain, const keys::KeyEntry& key, keys::KeyState from) {
    if (!log_) return;
    log_->write(key_fact(domain, key, from, clock_.now()));
  }

  SystemClock clock_;
  RotationParts parts_;
  std::unique_ptr<report::DeliveryLog> log_;
  keys::Rotator rotator_;
};

std::shared_ptr<const config::Settings> settings_for(const KeyOrder& order) {
  if (!order.config.empty()) return load_or_complain(order.config);
  config::Settings settings;
  settings.store = order.store;
  settings.store_allow_group = true;
  return std::make_shared<const config::Settings>(std::move(settings));
}

void print(const json& value, bool as_json, const std::string& text) {
  std::printf("%s\n", as_json ? value.dump(-1, ' ', false, json::error_handler_t::replace).c_str()
                              : text.c_str());
}

std::string text_of(const json& key) {
  return key["selector"].get<std::string>() + "\t" + key["state"].get<std::string>() + "\t" +
         key.value("algorithm", "-") + "\t" + key.value("since", "-");
}

/// Every domain of the store, or the one that was named.
Result<std::vector<Domain>> domains_of(const KeyOrder& order, const config::Settings& settings) {
  if (!order.domain.empty()) {
    auto domain = Domain::parse(order.domain);
    if (!domain) return fail(Fault::bad_parameter, "'" + order.domain + "' is no domain name");
    return std::vector{std::move(*domain)};
  }
  const SystemClock clock;
  net::BlockingPool pool(1);
  return keys::DomainStore({.directory = settings.store}, pool, clock).list();
}

void print_keys(const json& described, bool with_records) {
  for (const auto& key : described["keys"])
    print({}, false, described["domain"].get<std::string>() + "\t" + text_of(key));
  if (!with_records) return;
  for (const auto& key : described["keys"])
    if (key.contains("zone")) print({}, false, key["zone"].get<std::string>());
}

int list_domains(const KeyOrder& order, Orders& orders, const std::vector<Domain>& domains) {
  json all = json::array();
  int status = 0;
  for (const Domain& domain : domains) {
    const auto report = orders.rotator().look(domain);
    if (!report) {
      status = complain(report.error());
      continue;
    }
    json described = describe_keys(orders.rotator(), domain, *report);
    if (!order.json) print_keys(described, order.verb == KeyVerb::show);
    all.push_back(std::move(described));
  }
  if (order.json) print(order.verb == KeyVerb::show && all.size() == 1 ? all[0] : all, true, "");
  return status;
}

int plan_all(const KeyOrder& order, Orders& orders, const std::vector<Domain>& domains) {
  json plan = json::array();
  for (const Domain& domain : domains) {
    const auto report = orders.rotator().look(domain);
    if (!report) {
      static_cast<void>(complain(report.error()));
      continue;
    }
    const auto time = report->rotates_at;
    plan.push_back(
        {{"domain", domain.text()}, {"rotates", time ? json(keys::format_time(*time)) : json()}});
    if (!order.json)
      print({}, false, domain.text() + "\t" + (time ? keys::format_time(*time) : "never"));
  }
  if (order.json) print(plan, true, "");
  return 0;
}

Result<keys::KeyEntry> obey(const KeyOrder& order, keys::Rotator& rotator, const Domain& domain) {
  switch (order.verb) {
    case KeyVerb::publish:
      return rotator.publish(domain, order.selector);
    case KeyVerb::activate:
      return rotator.activate(domain, order.selector, order.unproven);
    case KeyVerb::retire:
      return rotator.retire(domain, order.selector);
    case KeyVerb::revoke:
      return rotator.revoke(domain, order.selector);
    case KeyVerb::rotate:
    case KeyVerb::list:
    case KeyVerb::show:
      break;
  }
  return rotator.begin(domain, keys::Algorithm::rsa);
}

}  // namespace

int order_key(const KeyOrder& order) {
  const auto settings = settings_for(order);
  if (!settings) return kBroken;
  spdlog::set_level(spdlog::level::off);
  Orders orders(*settings);
  const auto domains = domains_of(order, *settings);
  if (!domains) return complain(domains.error());
  if (order.verb == KeyVerb::list || order.verb == KeyVerb::show)
    return list_domains(order, orders, *domains);
  if (order.dry_run) return plan_all(order, orders, *domains);
  if (order.domain.empty())
    return complain({Fault::bad_parameter, "--all needs --dry-run: the relay keeps the schedule"});
  const Domain& domain = domains->front();
  const auto done = obey(order, orders.rotator(), domain);
  if (!done) return complain(done.error());
  const json key = describe_key(orders.rotator(), domain, *done);
  print(key, order.json, domain.text() + "\t" + text_of(key));
  const bool by_hand = !orders.publishes() && (done->state == keys::KeyState::published ||
                                               done->state == keys::KeyState::generated);
  if (!order.json && by_hand && key.contains("zone"))
    print({}, false, key["zone"].get<std::string>());
  if (!orders.publishes() && done->state == keys::KeyState::revoked)
    std::fprintf(stderr, "Publish an empty p= at %s, or remove the record.\n",
                 keys::record_name(domain, done->selector).c_str());
  return 0;
}

}  // namespace signet::commands
