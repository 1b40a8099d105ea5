// Organizational Domains by the public suffix list, as receivers under RFC 7489 find them.
//
// libpsl with the newer of its built-in list and the system's (Debian: publicsuffix). Immutable
// after load; any thread may ask.
#pragma once

#include <memory>
#include <string>

struct psl_ctx_st;

namespace signet::align {

class PublicSuffixes {
 public:
  PublicSuffixes();
  /// The registrable domain; the domain itself where it is a public suffix.
  [[nodiscard]] std::string organizational_domain(const std::string& domain) const;

 private:
  struct Free {
    void operator()(psl_ctx_st* list) const;
  };
  std::unique_ptr<psl_ctx_st, Free> list_;
};

}  // namespace signet::align
