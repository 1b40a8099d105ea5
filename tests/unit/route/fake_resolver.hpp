// DNS from a table: what is not in it does not exist.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "relay/net/resolver.hpp"

namespace signet::route {

class FakeResolver final : public net::Resolver {
 public:
  /// Lines "NAME TYPE VALUE": A, AAAA; MX with "PREFERENCE HOST" ("." for the root); "EMPTY" for a
  /// name with no records; "FAIL TYPE" and "BOGUS TYPE" for faults.
  explicit FakeResolver(const std::string& zone, bool secure = false);
  net::Task<Result<net::DnsAnswer>> resolve(net::Loop& loop, std::string name,
                                            net::RecordType type) override;
  [[nodiscard]] const std::vector<std::string>& asked() const { return asked_; }

 private:
  using Key = std::pair<std::string, net::RecordType>;
  std::map<Key, std::vector<std::string>> records_;
  std::map<Key, Fault> faults_;
  std::map<std::string, bool> names_;
  std::vector<std::string> asked_;
  bool secure_;
};

}  // namespace signet::route
