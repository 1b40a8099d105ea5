#include "relay/rotation_parts.hpp"

namespace signet {
namespace {

using config::RotationSettings;

constexpr std::chrono::milliseconds kDnsTimeout{3000};  // Of one server; it is asked again later.
// keys::DomainStore looks again after 5 s, and mail may be on its way.
constexpr std::chrono::seconds kSettle{10};

keys::DnsProof::Options proof_options(const config::Settings& settings) {
  const RotationSettings& rotation = settings.rotation;
  const bool authoritative = rotation.proof == RotationSettings::Proof::authoritative;
  return {.resolvers = settings.resolver.servers,
          .authoritative = authoritative,
          .also = rotation.resolvers,
          .port = rotation.authoritative_port,
          .timeout = kDnsTimeout};
}

std::unique_ptr<keys::Publisher> make_publisher(const RotationSettings& rotation,
                                                keys::DnsProof& proof) {
  switch (rotation.publisher) {
    case RotationSettings::Publisher::rfc2136:
      return keys::make_update_publisher({.server = *rotation.server,
                                          .zone = rotation.zone ? rotation.zone->text() : "",
                                          .key_name = rotation.key_name,
                                          .algorithm = rotation.key_algorithm,
                                          .key_file = rotation.key_file,
                                          .timeout = rotation.timeout},
                                         proof);
    case RotationSettings::Publisher::command:
      return keys::make_command_publisher(
          {.program = rotation.command, .timeout = rotation.timeout});
    case RotationSettings::Publisher::none:
    case RotationSettings::Publisher::manual:
      break;
  }
  return keys::make_manual_publisher();
}

keys::RotationPolicy policy_of(const config::Settings& settings, bool publishes) {
  const RotationSettings& rotation = settings.rotation;
  return {.rotates = rotation.publisher != RotationSettings::Publisher::none,
          .publishes = publishes,
          .falls_back = rotation.fall_back,
          .interval = rotation.interval,
          .jitter = rotation.jitter,
          .overlap = settings.queue.life + rotation.slack,
          .settle = kSettle,
          .revoked_for = rotation.revoked_for,
          .poll = rotation.poll,
          .republish = std::min<std::chrono::seconds>(rotation.poll * 2, std::chrono::hours(1)),
          .give_up = rotation.give_up,
          .canary = {.enabled = rotation.canary,
                     .stage = rotation.canary_stage,
                     .deliveries = rotation.canary_deliveries},
          .selectors = rotation.selectors,
          .quiet = rotation.quiet_hours};
}

}  // namespace

keys::StoreAccess store_access(const config::Settings& settings) {
  keys::StoreAccess store{.directory = settings.store, .allow_group = settings.store_allow_group};
  if (const auto& zone = settings.rotation.delegate_to)
    store.delegation = {.zone = *zone, .selectors = settings.rotation.selectors};
  return store;
}

RotationParts::RotationParts(const config::Settings& settings, std::string by,
                             keys::CanaryTally* canaries)
    : proof(proof_options(settings)),
      publisher(make_publisher(settings.rotation, proof)),
      options{.store = store_access(settings),
              .policy = policy_of(settings, publisher->acts()),
              .delegate_to = settings.rotation.delegate_to,
              .ttl = settings.rotation.ttl,
              .by = std::move(by),
              .canaries = canaries} {}

}  // namespace signet
