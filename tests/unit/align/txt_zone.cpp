#include "tests/unit/align/txt_zone.hpp"

namespace signet::align {

TxtZone& TxtZone::txt(const std::string& name, const std::string& text) {
  return txt(name, std::vector<std::string>{text});
}

TxtZone& TxtZone::txt(const std::string& name, const std::vector<std::string>& strings) {
  std::string rdata;
  for (const std::string& string : strings) rdata += static_cast<char>(string.size()) + string;
  records_[name].push_back(rdata);
  return empty(name);
}

TxtZone& TxtZone::empty(const std::string& name) {
  for (std::string rest = name;; rest = rest.substr(rest.find('.') + 1)) {
    existing_.insert(rest);
    if (rest.find('.') == std::string::npos) return *this;
  }
}

TxtZone& TxtZone::fails(const std::string& name) {
  failing_.insert(name);
  return *this;
}

net::Task<Result<net::DnsAnswer>> TxtZone::resolve(net::Loop& loop, std::string name,
                                                   net::RecordType type) {
  asked_.push_back(name);
  co_await loop.turn();
  if (failing_.contains(name)) co_return fail(Fault::dns_temporary, "SERVFAIL for " + name);
  net::DnsAnswer answer;
  answer.exists = existing_.contains(name);
  answer.canonical_name = name;
  answer.ttl = ttl;
  const auto found = records_.find(name);
  if (found != records_.end() && type == net::RecordType::txt) answer.records = found->second;
  co_return answer;
}

}  // namespace signet::align
