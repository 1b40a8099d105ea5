// DNS from a table, as SPF and DMARC meet it: CNAMEs, several strings, time outs, silence.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "relay/net/resolver.hpp"

namespace signet::test {

class TableResolver final : public net::Resolver {
 public:
  TableResolver() = default;
  /// Lines "NAME TYPE VALUE": A, AAAA, CNAME, PTR; MX as "PREFERENCE HOST" ("." for the root); TXT
  /// with '|' between its strings; TIMEOUT for every type the name has no records of, SILENT for
  /// questions never answered; EMPTY for a name with no records.
  explicit TableResolver(const std::string& zone);

  void add(const std::string& name, net::RecordType type, std::string rdata);
  void add_txt(const std::string& name, const std::vector<std::string>& strings);
  void add_mx(const std::string& name, unsigned preference, const std::string& host);
  void add_name(const std::string& name, net::RecordType type, const std::string& target);
  void add_address(const std::string& name, const std::string& address);
  void add_empty(const std::string& name) { (void)records_[lower(name)]; }
  void add_timeout(const std::string& name) { timeouts_.insert(lower(name)); }
  void add_silent(const std::string& name) { silent_.insert(lower(name)); }
  void set_ttl(const std::string& name, std::chrono::seconds ttl) { ttls_[lower(name)] = ttl; }

  net::Task<Result<net::DnsAnswer>> resolve(net::Loop& loop, std::string name,
                                            net::RecordType type) override;
  [[nodiscard]] const std::vector<std::string>& asked() const { return asked_; }

 private:
  static std::string lower(std::string name);

  std::map<std::string, std::map<net::RecordType, std::vector<std::string>>> records_;
  std::set<std::string> timeouts_;
  std::set<std::string> silent_;
  std::map<std::string, std::chrono::seconds> ttls_;
  std::vector<std::string> asked_;
};

}  // namespace signet::test
