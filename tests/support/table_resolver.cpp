#include "tests/support/table_resolver.hpp"

#include <algorithm>
#include <cstdlib>
#include <sstream>

namespace signet::test {
namespace {

constexpr std::size_t kMaxAliases = 11;
constexpr std::chrono::seconds kTtl{300};

std::string wire_name(std::string_view name) {
  std::string wire;
  while (!name.empty() && name != ".") {
    const std::size_t end = std::min(name.find('.'), name.size());
    wire += static_cast<char>(std::min<std::size_t>(end, 63));
    wire += name.substr(0, std::min<std::size_t>(end, 63));
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return wire + '\0';
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

}  // namespace

TableResolver::TableResolver(const std::string& zone) {
  for (const std::string& line : split(zone, '\n')) {
    std::istringstream stream(line);
    std::string name, type, value;
    if (!(stream >> name >> type)) continue;
    std::getline(stream >> std::ws, value);
    if (type == "A" || type == "AAAA") {
      add_address(name, value);
    } else if (type == "CNAME") {
      add_name(name, net::RecordType::cname, value);
    } else if (type == "PTR") {
      add_name(name, net::RecordType::ptr, value);
    } else if (type == "MX") {
      const std::size_t blank = value.find(' ');
      add_mx(name, static_cast<unsigned>(std::stoul(value)), value.substr(blank + 1));
    } else if (type == "TXT") {
      add_txt(name, split(value, '|'));
    } else if (type == "TIMEOUT") {
      add_timeout(name);
    } else if (type == "SILENT") {
      add_silent(name);
    } else if (type == "EMPTY") {
      add_empty(name);
    } else {
      std::abort();
    }
  }
}

std::string TableResolver::lower(std::string name) {
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

void TableResolver::add(const std::string& name, net::RecordType type, std::string rdata) {
  records_[lower(name)][type].push_back(std::move(rdata));
}

void TableResolver::add_txt(const std::string& name, const std::vector<std::string>& strings) {
  std::string rdata;
  for (const std::string& text : strings) {
    for (std::size_t at = 0; at == 0 || at < text.size(); at += 255) {
      const std::string piece = text.substr(at, 255);
      rdata += static_cast<char>(static_cast<unsigned char>(piece.size()));
      rdata += piece;
    }
  }
  add(name, net::RecordType::txt, rdata.empty() ? std::string(1, '\0') : rdata);
}

void TableResolver::add_mx(const std::string& name, unsigned preference, const std::string& host) {
  std::string rdata{static_cast<char>(preference >> 8U), static_cast<char>(preference)};
  add(name, net::RecordType::mx, rdata + wire_name(host));
}

void TableResolver::add_name(const std::string& name, net::RecordType type,
                             const std::string& target) {
  add(name, type, type == net::RecordType::cname ? target : wire_name(target));
}

// An IPv4-mapped address is no IPv6 address to IpAddress; in an AAAA record nothing asks for it.
void TableResolver::add_address(const std::string& name, const std::string& address) {
  const auto parsed = IpAddress::parse(address);
  if (!parsed) std::abort();
  add(name, parsed->is_v6() ? net::RecordType::aaaa : net::RecordType::a,
      std::string(parsed->bytes()));
}

net::Task<Result<net::DnsAnswer>> TableResolver::resolve(net::Loop& loop, std::string name,
                                                         net::RecordType type) {
  asked_.push_back(name);
  std::string at = lower(std::move(name));
  net::DnsAnswer answer;
  answer.ttl = kTtl;
  for (std::size_t step = 0; step < kMaxAliases; ++step) {
    if (silent_.contains(at)) co_await loop.sleep(std::chrono::hours(1));
    if (ttls_.contains(at)) answer.ttl = std::min(answer.ttl, ttls_[at]);
    const auto found = records_.find(at);
    answer.canonical_name = at;
    answer.exists = found != records_.end();
    if (answer.exists && found->second.contains(type)) {
      answer.records = found->second.at(type);
      co_return answer;
    }
    if (timeouts_.contains(at)) co_return fail(Fault::dns_temporary, "no answer in time");
    if (!answer.exists || !found->second.contains(net::RecordType::cname)) co_return answer;
    at = lower(found->second.at(net::RecordType::cname).front());
  }
  co_return fail(Fault::dns_temporary, "too many aliases");
}

}  // namespace signet::test
