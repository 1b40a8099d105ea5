// A libunbound context on an event base: made from ResolverSettings, asked by callback.
//
// For resolver*.cpp only. Everything runs on the thread of the base.
#pragma once

#include <memory>
#include <string>

#include "relay/net/resolver.hpp"

struct event_base;
struct ub_ctx;

namespace signet::net {

struct UnboundContextFree {
  void operator()(ub_ctx* context) const;
};
using UniqueUnboundContext = std::unique_ptr<ub_ctx, UnboundContextFree>;

/// A context with `settings` applied; validation only with `validating` and a trust anchor. Fault:
/// configuration.
[[nodiscard]] Result<UniqueUnboundContext> make_unbound_context(event_base* base,
                                                                const ResolverSettings& settings,
                                                                bool validating);

/// The owner name of the first record in a trust anchor file ("." for the root), which is where the
/// file can be put to the test. Fault: configuration.
[[nodiscard]] Result<std::string> trust_anchor_owner(const std::filesystem::path& file);

}  // namespace signet::net
