#include "relay/align/spf.hpp"

#include <array>

#include "relay/align/spf_evaluation.hpp"

namespace signet::align {
namespace {

constexpr std::array<std::string_view, 7> kNames{"none",     "neutral",   "pass",     "fail",
                                                 "softfail", "temperror", "permerror"};

}  // namespace

std::string_view name_of(SpfOutcome outcome) { return kNames[static_cast<std::size_t>(outcome)]; }

net::Task<SpfResult> check_host(net::Resolver& resolver, net::Loop& loop, SpfQuestion question,
                                SpfLimits limits) {
  SpfEvaluation evaluation(resolver, loop, std::move(question), limits);
  auto result = co_await evaluation.result();
  co_return result;
}

net::Task<std::string> explain(net::Resolver& resolver, net::Loop& loop, SpfQuestion question,
                               SpfResult result, SpfLimits limits) {
  if (result.outcome != SpfOutcome::fail || result.explanation.empty()) co_return "";
  SpfEvaluation evaluation(resolver, loop, std::move(question), limits);
  auto text = co_await evaluation.explanation(std::move(result.explanation_domain),
                                              std::move(result.explanation));
  co_return text;
}

}  // namespace signet::align
