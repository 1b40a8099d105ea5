// [resolver] as the resolver takes it: for the relay and the command line.
#pragma once

#include "config/settings.hpp"
#include "relay/net/resolver.hpp"

namespace signet {

[[nodiscard]] inline net::ResolverSettings to_resolver_settings(
    const config::ResolverOptions& options) {
  net::ResolverSettings settings;
  settings.mode = static_cast<net::ResolverSettings::Mode>(options.mode);
  settings.servers = options.servers;
  settings.trust_anchor = options.trust_anchor;
  settings.root_hints = options.root_hints;
  settings.timeout = options.timeout;
  return settings;
}

}  // namespace signet
