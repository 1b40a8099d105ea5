#include "relay/key_service.hpp"

#include <nlohmann/json.hpp>

#include "keys/create_key.hpp"
#include "keys/import_keys.hpp"
#include "relay/key_json.hpp"
#include "relay/rotation_parts.hpp"

namespace signet {
namespace {

using admin::KeyVerb;
using nlohmann::json;

void tell_move(Services& services, const Domain& domain, const keys::KeyEntry& key,
               keys::KeyState from) {
  services.metrics.key_moved(name_of(key.state));
  services.log.write(key_fact(domain, key, from, services.clock.now()));
}

/// A rotator with what it needs, for one order.
class Hand {
 public:
  Hand(Services& services, const config::Settings& settings, const std::string& by)
      : services_(services),
        parts_(settings, by, &services.canaries),
        rotator_(
            parts_.options, *parts_.publisher, parts_.proof, services.clock,
            {.moved = [this](const Domain& domain, const keys::KeyEntry& key,
                             keys::KeyState from) { tell_move(services_, domain, key, from); },
             .mismatched = {},
             .publisher_failed = [this](const Domain&,
                                        const Error&) { services_.metrics.publisher_failed(); }}) {}
  [[nodiscard]] keys::Rotator& rotator() { return rotator_; }

 private:
  Services& services_;
  RotationParts parts_;
  keys::Rotator rotator_;
};

Result<keys::KeyEntry> turn(keys::Rotator& rotator, const admin::KeyOrder& order,
                            keys::Algorithm algorithm) {
  switch (order.verb) {
    case KeyVerb::publish:
      return rotator.publish(order.domain, order.selector);
    case KeyVerb::activate:
      return rotator.activate(order.domain, order.selector, order.unproven);
    case KeyVerb::retire:
      return rotator.retire(order.domain, order.selector);
    case KeyVerb::revoke:
      return rotator.revoke(order.domain, order.selector);
    case KeyVerb::create:
    case KeyVerb::import:
    case KeyVerb::rotate:
      break;
  }
  return rotator.begin(order.domain, algorithm);
}

Result<json> find(keys::Rotator& rotator, const Domain& domain, const std::string& selector) {
  const auto report = rotator.look(domain);
  if (!report) return report.failure();
  const auto* key = keys::find_key(report->keys, selector);
  if (key == nullptr) return fail(Fault::local_error, "the new key is gone again");
  return describe_key(rotator, domain, *key);
}

json describe_signing(const keys::SigningDomain& domain, const config::Settings& settings) {
  json active = json::array();
  for (const auto& key : domain.keys) {
    json described{{"selector", key.selector}, {"algorithm", keys::name_of(key.key.algorithm())}};
    if (key.canary_share != 0) described["canary_share"] = key.canary_share;
    active.push_back(std::move(described));
  }
  const auto profile = domain.profile_given ? domain.profile : default_profile(settings.signing);
  return {{"domain", domain.name.text()},
          {"signs", true},
          {"active", std::move(active)},
          {"profile", profile == keys::Profile::bulk ? "bulk" : "standard"},
          {"alignment", domain.alignment ? json(name_of(*domain.alignment)) : json()},
          {"warnings", domain.warnings}};
}

}  // namespace

Result<std::vector<Domain>> KeyService::domains() { return services_.domains.list(); }

Result<json> KeyService::show(const Domain& domain) {
  Hand hand(services_, *settings_, "");
  const auto report = hand.rotator().look(domain);
  if (!report) return report.failure();
  return describe_keys(hand.rotator(), domain, *report);
}

Result<json> KeyService::signing(const Domain& domain) {
  const auto read = keys::read_domain(settings_->store, domain, settings_->store_allow_group,
                                      services_.clock.now());
  if (read) return describe_signing(**read, *services_.current.get()->settings);
  if (read.error().fault != Fault::no_active_key) return read.failure();
  return json{{"domain", domain.text()},
              {"signs", false},
              {"active", json::array()},
              {"problem", "no key is active: see /v1/keys/" + domain.text()}};
}

Result<json> KeyService::obey(const admin::KeyOrder& order) {
  const auto algorithm =
      order.algorithm == "ed25519" ? keys::Algorithm::ed25519 : keys::Algorithm::rsa;
  Hand hand(services_, *settings_, order.by);
  if (order.verb == KeyVerb::create) {
    const auto made = create(order, algorithm);
    if (!made) return made.failure();
    return find(hand.rotator(), order.domain, made->selector);
  }
  if (order.verb == KeyVerb::import) {
    if (const auto taken = take(order); !taken) return taken.failure();
    return find(hand.rotator(), order.domain, order.selector);
  }
  const auto key = turn(hand.rotator(), order, algorithm);
  if (!key) return key.failure();
  return describe_key(hand.rotator(), order.domain, *key);
}

// Active at once, as by `signet keys import`.
Result<void> KeyService::take(const admin::KeyOrder& order) {
  const WallTime now = services_.clock.now();
  auto key = keys::PrivateKey::from_pem(order.private_key);
  if (!key) return fail(Fault::bad_parameter, "private_key: " + key.error().detail);
  const auto legacy_until = keys::parse_legacy_end(order.legacy_until, now);
  if (!legacy_until) return legacy_until.failure();
  const keys::ImportOptions options{
      .store = store_access(*settings_),
      .legacy_until = *legacy_until,
      .replace_with = "signet keys new",
      .legacy_option = "legacy_until",
      .load = [&key](const auto&) { return keys::ForeignKey{std::move(*key)}; }};
  const auto plan = keys::plan_import(
      {.rules = {{order.domain, {{order.domain, order.selector, "the request"}}}}}, options);
  if (!plan.refusals.empty()) return fail(Fault::key_state_wrong, plan.refusals.front());
  return keys::apply_import(plan, options, {.at = now, .reason = "imported from", .by = order.by},
                            [this](const Domain& domain, const keys::KeyEntry& entry) {
                              tell_move(services_, domain, entry, entry.state);
                            });
}

Result<keys::CreatedKey> KeyService::create(const admin::KeyOrder& order,
                                            keys::Algorithm algorithm) {
  auto made = keys::create_key(store_access(*settings_), order.domain, order.selector, algorithm,
                               {.at = services_.clock.now(), .reason = "new", .by = order.by});
  if (made && made->is_new) tell_move(services_, order.domain, made->entry, made->entry.state);
  return made;
}

}  // namespace signet
