#include "relay/deliver/allowance.hpp"

namespace signet::deliver {

std::vector<std::size_t> Allowance::admit(const std::vector<Domain>& recipients) {
  std::vector<std::size_t> admitted;
  if (limits_.transactions > 0 && transactions_ >= limits_.transactions) return admitted;
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    if (limits_.recipients > 0 && admitted.size() >= limits_.recipients) break;
    if (admit_domain(recipients[i])) admitted.push_back(i);
  }
  if (!admitted.empty()) ++transactions_;
  return admitted;
}

bool Allowance::admit_domain(const Domain& domain) {
  if (limits_.recipient_domains == 0 || domains_.contains(domain)) return true;
  if (domains_.size() >= limits_.recipient_domains) return false;
  domains_.insert(domain);
  return true;
}

}  // namespace signet::deliver
