// A resolver that tells the metrics what came of each question, and how long it took.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "monitoring/metrics.hpp"
#include "relay/net/resolver.hpp"

namespace signet {

class CountedResolver final : public net::Resolver {
 public:
  CountedResolver(std::unique_ptr<net::Resolver> resolver, monitoring::Metrics& metrics)
      : resolver_(std::move(resolver)), metrics_(metrics) {}

  [[nodiscard]] net::Task<Result<net::DnsAnswer>> resolve(net::Loop& loop, std::string name,
                                                          net::RecordType type) override {
    const auto began = std::chrono::steady_clock::now();
    auto answer = co_await resolver_->resolve(loop, std::move(name), type);
    metrics_.dns_answer(result_of(answer), std::chrono::duration_cast<std::chrono::microseconds>(
                                               std::chrono::steady_clock::now() - began));
    co_return answer;
  }
  [[nodiscard]] bool validates() const override { return resolver_->validates(); }

 private:
  static std::string_view result_of(const Result<net::DnsAnswer>& answer) {
    if (!answer) return row(answer.error().fault).name;
    if (!answer->exists) return "no_domain";
    return answer->security == net::DnsSecurity::secure ? "secure" : "insecure";
  }

  std::unique_ptr<net::Resolver> resolver_;
  monitoring::Metrics& metrics_;
};

}  // namespace signet
