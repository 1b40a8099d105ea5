// `signet keys list | show | publish | activate | rotate | retire | revoke`: an operator's orders.
//
// They work on the store itself, under the same lock as the relay, which sees the change within 5
// s.
#include <spdlog/spdlog.h>
#include <sysexits.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "relay/commands.hpp"
#include "relay/key_json.hpp"
#include "relay/key_parts.hpp"
#include "relay/rotation_parts.hpp"

namespace signet::commands {
namespace {

using nlohmann::json;

/// Store, publisher and proof as the configuration has them; with a store alone: by hand.
class Orders {
 public:
  explicit Orders(const config::Settings& settings)
      : audit_(settings),
        parts_(settings, who()),
        rotator_(parts_.options, *parts_.publisher, parts_.proof, clock_,
                 {.moved = [this](const Domain& domain, const keys::KeyEntry& key,
                                  keys::KeyState from) { audit_.moved(domain, key, from); },
                  .mismatched = {},
                  .publisher_failed = {}}) {}

  [[nodiscard]] keys::Rotator& rotator() { return rotator_; }

 private:
  SystemClock clock_;
  KeyAudit audit_;
  RotationParts parts_;
  keys::Rotator rotator_;
};

void print(const json& value, bool as_json, const std::string& text) {
  std::printf("%s\n", as_json ? value.dump(-1, ' ', false, json::error_handler_t::replace).c_str()
                              : text.c_str());
}

std::string text_of(const json& key) {
  return key["selector"].get<std::string>() + "\t" + key["state"].get<std::string>() + "\t" +
         key.value("algorithm", "-") + "\t" + key.value("since", "-");
}

void print_keys(const json& described, bool with_records) {
  for (const auto& key : described["keys"])
    print({}, false, described["domain"].get<std::string>() + "\t" + text_of(key));
  if (!with_records) return;
  for (const auto& alias : described.value("cnames", json::array()))
    print({}, false,
          alias["name"].get<std::string>() + ". IN CNAME " + alias["target"].get<std::string>() +
              ".");
  for (const auto& key : described["keys"])
    if (key.contains("zone")) print({}, false, key["zone"].get<std::string>());
  for (const auto& key : described["keys"])
    if (key.contains("problem"))
      std::fprintf(stderr, "signet: %s\n", key["problem"].get<std::string>().c_str());
}

/// A folder without a key, which a command that was cut off may leave, is no domain of the store.
bool is_begun_only(const KeyOrder& order, const Error& error) {
  return order.domain.empty() && error.fault == Fault::not_found;
}

int misused(const std::string& words) {
  std::fprintf(stderr, "signet: %s\n", words.c_str());
  return EX_USAGE;
}

int list_domains(const KeyOrder& order, Orders& orders, const std::vector<Domain>& domains) {
  json all = json::array();
  int status = 0;
  for (const Domain& domain : domains) {
    const auto report = orders.rotator().look(domain);
    if (!report && is_begun_only(order, report.error())) continue;
    if (!report) {
      status = complain_of(report.error());
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
  int status = 0;
  for (const Domain& domain : domains) {
    const auto report = orders.rotator().look(domain);
    if (!report && is_begun_only(order, report.error())) continue;
    if (!report) {
      status = complain_of(report.error());
      continue;
    }
    const auto time = report->barred.empty() ? report->rotates_at : std::nullopt;
    json row{{"domain", domain.text()},
             {"rotates", time ? json(keys::format_time(*time)) : json()}};
    if (!report->barred.empty()) row["problem"] = report->barred;
    plan.push_back(std::move(row));
    if (order.json) continue;
    print({}, false, domain.text() + "\t" + (time ? keys::format_time(*time) : "never"));
    if (!report->barred.empty())
      std::fprintf(stderr, "signet: %s: %s\n", domain.text().c_str(), report->barred.c_str());
  }
  if (order.json) print(plan, true, "");
  return status;
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

/// What whoever keeps the zone is to do now.
void tell_by_hand(const KeyOrder& order, const Domain& domain, const keys::KeyEntry& done,
                  const json& key) {
  const bool is_published = order.verb == KeyVerb::publish;
  const bool is_revoked = done.state == keys::KeyState::revoked;
  const bool is_new =
      done.state == keys::KeyState::generated || done.state == keys::KeyState::published;
  if (!is_published && !is_revoked && !is_new) return;
  if (!order.json && key.contains("zone")) print({}, false, key["zone"].get<std::string>());
  const auto name = keys::record_name(domain, done.selector);
  if (is_revoked)
    std::fprintf(stderr, "Publish this in place of the record at %s, or remove that.\n",
                 name.c_str());
  if (is_published)
    std::fprintf(stderr, "Publish this: no publisher keeps the record at %s.\n", name.c_str());
}

void warn_if_none_signs(const KeyOrder& order, keys::Rotator& rotator, const Domain& domain) {
  if (order.verb != KeyVerb::retire && order.verb != KeyVerb::revoke) return;
  const auto report = rotator.look(domain);
  if (report && keys::active_key(report->keys, keys::Algorithm::rsa) == nullptr)
    std::fprintf(stderr,
                 "No RSA key of %s is active: new mail of it is answered 451 and comes again, what "
                 "waits stays. Make and activate another key.\n",
                 domain.text().c_str());
}

}  // namespace

int order_key(const KeyOrder& order) {
  const auto settings = key_settings(order.config, order.store);
  if (!settings) return kKeysBroken;
  spdlog::set_level(spdlog::level::off);
  Orders orders(*settings);
  const auto domains = domains_of(order.domain, *settings);
  if (!domains) return complain_of(domains.error());
  if (order.verb == KeyVerb::list || order.verb == KeyVerb::show)
    return list_domains(order, orders, *domains);
  if (order.dry_run) return plan_all(order, orders, *domains);
  if (order.domain.empty())
    return misused("name a domain, or see the plan of all with --all --dry-run");
  const Domain& domain = domains->front();
  const auto done = obey(order, orders.rotator(), domain);
  if (!done) return complain_of(done.error());
  const json key = describe_key(orders.rotator(), domain, *done);
  print(key, order.json, domain.text() + "\t" + text_of(key));
  if (key.value("by_hand", false)) tell_by_hand(order, domain, *done, key);
  warn_if_none_signs(order, orders.rotator(), domain);
  return 0;
}

}  // namespace signet::commands
