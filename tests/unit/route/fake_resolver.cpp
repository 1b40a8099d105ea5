#include "tests/unit/route/fake_resolver.hpp"

#include <sstream>

namespace signet::route {
namespace {

net::RecordType type_of(const std::string& text) {
  if (text == "MX") return net::RecordType::mx;
  return text == "A" ? net::RecordType::a : net::RecordType::aaaa;
}

std::string wire_name(const std::string& name) {
  std::string wire;
  std::istringstream labels(name);
  for (std::string label; std::getline(labels, label, '.');) {
    if (!label.empty()) wire += static_cast<char>(label.size()) + label;
  }
  return wire + std::string(1, '\0');
}

std::string rdata(std::istringstream& line, net::RecordType type) {
  std::string value;
  if (type != net::RecordType::mx) {
    line >> value;
    return std::string(IpAddress::parse(value)->bytes());
  }
  int preference = 0;
  line >> preference >> value;
  return std::string{static_cast<char>(preference >> 8), static_cast<char>(preference & 0xFF)} +
         wire_name(value);
}

}  // namespace

FakeResolver::FakeResolver(const std::string& zone, bool secure) : secure_(secure) {
  std::istringstream lines(zone);
  for (std::string text; std::getline(lines, text);) {
    std::istringstream line(text);
    std::string name;
    std::string type;
    if (!(line >> name >> type)) continue;
    names_[name] = true;
    if (type == "EMPTY") continue;
    if (type == "FAIL" || type == "BOGUS") {
      std::string of;
      line >> of;
      faults_[{name, type_of(of)}] = type == "FAIL" ? Fault::dns_temporary : Fault::dns_bogus;
      continue;
    }
    records_[{name, type_of(type)}].push_back(rdata(line, type_of(type)));
  }
}

net::Task<Result<net::DnsAnswer>> FakeResolver::resolve(net::Loop& /*loop*/, std::string name,
                                                        net::RecordType type) {
  asked_.push_back(name);
  const auto fault = faults_.find({name, type});
  if (fault != faults_.end()) co_return fail(fault->second, name);
  net::DnsAnswer answer;
  answer.exists = names_.contains(name);
  answer.canonical_name = name;
  answer.security = secure_ ? net::DnsSecurity::secure : net::DnsSecurity::insecure;
  const auto found = records_.find({name, type});
  if (found != records_.end()) answer.records = found->second;
  co_return std::move(answer);
}

}  // namespace signet::route
