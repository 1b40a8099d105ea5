#include "relay/offline_explainer.hpp"

#include "relay/resolver_settings.hpp"

namespace signet {

Result<std::unique_ptr<OfflineExplainer>> OfflineExplainer::open(
    std::shared_ptr<const config::Settings> settings) {
  auto resolver = net::make_resolver(to_resolver_settings(settings->resolver));
  if (!resolver) return resolver.failure();
  return std::unique_ptr<OfflineExplainer>(
      new OfflineExplainer(std::move(settings), std::move(*resolver)));
}

OfflineExplainer::OfflineExplainer(std::shared_ptr<const config::Settings> settings,
                                   std::unique_ptr<net::Resolver> resolver)
    : resolver_(std::move(resolver)),
      domains_({.directory = settings->store, .allow_group = settings->store_allow_group}, pool_,
               clock_),
      router_(*resolver_, settings->allow_private_mx),
      explainer_({clock_, loop_, domains_, *resolver_, suffixes_, router_}) {
  for (const auto& listener : settings->listeners) {
    if (listener.socket.empty()) router_.add_own_endpoint(listener.address);
  }
}

void OfflineExplainer::run(net::Task<void> task) {
  net::TaskScope scope;
  scope.spawn(run_and_stop(std::move(task)));
  loop_.run();
}

net::Task<void> OfflineExplainer::run_and_stop(net::Task<void> task) {
  co_await std::move(task);
  loop_.stop();
}

}  // namespace signet
