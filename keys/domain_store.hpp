// The store: STORE/<domain>/ holds a domain's keys and rules. Domains load on demand and are
// cached.
//
//   STORE/<domain>/<selector>.pem   private key, PKCS#8 or PKCS#1
//   STORE/<domain>/keyset.toml      states of the selectors; without it one PEM alone is active
//   STORE/<domain>/domain.toml      optional: profile, legacy, rotation
//
// STORE/<domain> may be a link to a folder of that name (mounted secrets), not to another domain's.
// No scan at start: a million domains cost what is in use.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "keys/signing_domain.hpp"
#include "relay/base/clock.hpp"
#include "relay/net/loop.hpp"

namespace signet::keys {

class DomainStore {
 public:
  struct Options {
    std::filesystem::path directory;
    bool allow_group = false;
    std::size_t capacity = 100000;  ///< Domains kept; the least recently used goes.
    std::chrono::milliseconds recheck{
        5000};  ///< A cached domain is looked at again at most this often, on use.
  };
  DomainStore(Options options, Executor& pool, const Clock& clock);
  ~DomainStore();

  /// From the cache if fresh, else read on the pool (single flight per domain). A domain that once
  /// loaded and now fails keeps its last good keys and is reported through `on_failure`. Faults as
  /// read_domain.
  [[nodiscard]] net::Task<Result<std::shared_ptr<const SigningDomain>>> find(net::Loop& loop,
                                                                             Domain domain);
  /// Without waiting: the cached domain if fresh, else null.
  [[nodiscard]] std::shared_ptr<const SigningDomain> peek(const Domain& domain) const;
  /// True if somebody asked for its keys lately.
  [[nodiscard]] bool used_within(const Domain& domain, std::chrono::seconds time) const;
  /// Any thread.
  void on_failure(std::function<void(const Domain&, const Error&)> observer);
  /// Directory names that are domains, sorted. Blocks.
  [[nodiscard]] Result<std::vector<Domain>> list() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace signet::keys
