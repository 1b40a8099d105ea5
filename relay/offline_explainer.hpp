// OfflineExplainer: an explainer for a command, with a loop, a resolver and a key store of its own.
#pragma once

#include <memory>

#include "relay/explainer.hpp"

namespace signet {

class OfflineExplainer {
 public:
  /// Fault: configuration, of the resolver.
  [[nodiscard]] static Result<std::unique_ptr<OfflineExplainer>> open(
      std::shared_ptr<const config::Settings> settings);
  ~OfflineExplainer() { explainer_.clear(); }
  OfflineExplainer(const OfflineExplainer&) = delete;
  OfflineExplainer& operator=(const OfflineExplainer&) = delete;

  [[nodiscard]] Explainer& explainer() { return explainer_; }
  [[nodiscard]] net::Loop& loop() { return loop_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  /// Runs the loop until the task has ended.
  void run(net::Task<void> task);

 private:
  OfflineExplainer(std::shared_ptr<const config::Settings> settings,
                   std::unique_ptr<net::Resolver> resolver);
  net::Task<void> run_and_stop(net::Task<void> task);

  SystemClock clock_;
  net::Loop loop_;
  net::BlockingPool pool_{1};
  std::unique_ptr<net::Resolver> resolver_;
  keys::DomainStore domains_;
  align::PublicSuffixes suffixes_;
  route::Router router_;
  Explainer explainer_;
};

}  // namespace signet
