// What [rotation] asks for, made: proof, publisher and policy. For the relay and the command line.
#pragma once

#include <memory>

#include "config/settings.hpp"
#include "keys/rotator.hpp"

namespace signet {

/// The store, and where new keys are published.
[[nodiscard]] keys::StoreAccess store_access(const config::Settings& settings);

struct RotationParts {
  keys::DnsProof proof;
  std::unique_ptr<keys::Publisher> publisher;
  keys::Rotator::Options options;

  /// Without `canaries` a canary stays one.
  RotationParts(const config::Settings& settings, std::string by,
                keys::CanaryTally* canaries = nullptr);
};

}  // namespace signet
