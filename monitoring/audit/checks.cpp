#include "monitoring/audit/checks.hpp"

#include <iterator>

namespace signet::audit {

Findings check_all(const Facts& facts) {
  Findings all;
  for (auto* check :
       {&check_spf, &check_keys, &check_dmarc, &check_reports, &check_mail_hosts,
        &check_reverse_dns, &check_helo, &check_tls_rpt, &check_mta_sts, &check_bimi}) {
    Findings found = check(facts);
    all.insert(all.end(), std::make_move_iterator(found.begin()),
               std::make_move_iterator(found.end()));
  }
  return all;
}

}  // namespace signet::audit
