// DNS from a table of texts for alignment's tests; counts the questions.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "relay/net/resolver.hpp"

namespace signet::align {

class TxtZone final : public net::Resolver {
 public:
  /// A TXT record of one string.
  TxtZone& txt(const std::string& name, const std::string& text);
  /// A TXT record of several strings.
  TxtZone& txt(const std::string& name, const std::vector<std::string>& strings);
  /// A name that exists without a TXT record. Every name above one with records exists too.
  TxtZone& empty(const std::string& name);
  TxtZone& fails(const std::string& name);
  void remove(const std::string& name) { records_.erase(name); }
  void mend(const std::string& name) { failing_.erase(name); }
  std::chrono::seconds ttl{300};

  net::Task<Result<net::DnsAnswer>> resolve(net::Loop& loop, std::string name,
                                            net::RecordType type) override;
  [[nodiscard]] const std::vector<std::string>& asked() const { return asked_; }
  void forget() { asked_.clear(); }

 private:
  std::map<std::string, std::vector<std::string>> records_;
  std::set<std::string> existing_;
  std::set<std::string> failing_;
  std::vector<std::string> asked_;
};

}  // namespace signet::align
