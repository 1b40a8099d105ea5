#include "relay/sign/plan.hpp"

namespace signet::sign {
namespace {

void add_keys(Plan& plan, const std::shared_ptr<const keys::SigningDomain>& domain,
              const PlanRequest& request) {
  const auto profile = domain->profile_given ? domain->profile : request.default_profile;
  for (const std::size_t key : keys::keys_for(*domain, request.lot))
    plan.signatures.push_back({domain, key, profile == keys::Profile::bulk});
}

}  // namespace

Plan make_plan(const PlanRequest& request) {
  Plan plan;
  plan.life = request.life;
  const auto& author = request.author_domain;
  const auto& platform = request.platform_domain;
  if (request.own && author) add_keys(plan, author, request);
  const bool platform_signs = request.own || request.platform_signs_foreign;
  const bool signed_already = request.own && author && platform && author->name == platform->name;
  if (platform && platform_signs && !signed_already) add_keys(plan, platform, request);
  return plan;
}

unsigned lot_of(QueueId id) {
  // Ids are times: the multiplication (Fibonacci hashing) spreads them, the high bits are its best.
  return static_cast<unsigned>((id.value * 0x9E3779B97F4A7C15U >> 32U) % 100);
}

Domain signing_domain_for(const std::map<Domain, Domain>& parents, const Domain& author) {
  const auto parent = parents.find(author);
  return parent == parents.end() ? author : parent->second;
}

}  // namespace signet::sign
