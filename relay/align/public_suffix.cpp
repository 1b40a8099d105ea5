#include "relay/align/public_suffix.hpp"

#include <libpsl.h>

namespace signet::align {

void PublicSuffixes::Free::operator()(psl_ctx_st* list) const { psl_free(list); }

PublicSuffixes::PublicSuffixes() : list_(psl_latest(nullptr)) {}

std::string PublicSuffixes::organizational_domain(const std::string& domain) const {
  const char* found = psl_registrable_domain(list_.get(), domain.c_str());
  return found == nullptr ? domain : std::string(found);
}

}  // namespace signet::align
