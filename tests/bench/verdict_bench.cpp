// What a verdict costs when everything it needs is in the caches: verdict_cached_us.
#include <benchmark/benchmark.h>

#include "relay/align/predictor.hpp"

namespace signet::align {
namespace {

class EmptyDns final : public net::Resolver {
 public:
  net::Task<Result<net::DnsAnswer>> resolve(net::Loop&, std::string name,
                                            net::RecordType) override {
    net::DnsAnswer answer;
    answer.ttl = std::chrono::hours(24);
    if (name == "_dmarc.example.com") answer.records = {"\x12v=DMARC1; p=reject"};
    co_return answer;
  }
};

net::Task<SpfResult> passes() {
  SpfResult result;
  result.outcome = SpfOutcome::pass;
  result.ttl = std::chrono::hours(24);
  co_return result;
}

net::Task<void> warm(Predictor* predictor, std::shared_ptr<const Question> question,
                     SteadyTime deadline) {
  (void)co_await predictor->gather(std::move(question), deadline);
}

void verdict_cached_us(benchmark::State& state) {
  EmptyDns dns;
  net::Loop loop;
  SystemClock clock;
  const PublicSuffixes suffixes;
  Predictor predictor(
      dns, loop, clock, suffixes,
      {.check_host = [](net::Resolver&, net::Loop&, SpfQuestion, SpfLimits) { return passes(); }});
  auto signing = std::make_shared<keys::SigningDomain>(
      keys::SigningDomain{.name = *Domain::parse("example.com"), .keys = {}});
  signing->keys.push_back({"s", keys::PrivateKey::generate(keys::Algorithm::rsa).value()});
  Question question{.author = signing->name,
                    .sender = Mailbox{"alice", signing->name},
                    .points = {},
                    .keys = {{signing, 0}}};
  for (int i = 0; i < state.range(0); ++i) {
    question.points.push_back(
        {*IpAddress::parse("192.0.2." + std::to_string(i + 1)), "mx.example.com"});
  }
  net::TaskScope scope;
  scope.spawn(warm(&predictor, std::make_shared<Question>(question),
                   clock.steady() + std::chrono::seconds(10)));
  for (auto _ : state) {
    const auto evidence = predictor.cached(question);
    if (!evidence) return state.SkipWithError("not in the cache");
    benchmark::DoNotOptimize(decide_verdict(*evidence));
  }
}
BENCHMARK(verdict_cached_us)->Arg(1)->Arg(2)->Arg(4)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace signet::align

BENCHMARK_MAIN();
