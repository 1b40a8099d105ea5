#include "relay/route/search.hpp"

#include <algorithm>
#include <random>

namespace signet::route {
namespace {

constexpr std::size_t kMaxHosts = 10;
constexpr std::size_t kMaxAddressesPerHost = 8;
constexpr std::size_t kMaxAddresses = 16;

std::optional<IpAddress> read_literal(std::string_view host) {
  if (host == "localhost") return *IpAddress::parse("127.0.0.1");
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  return address ? std::optional(*address) : std::nullopt;
}

// IPv6 first, then in turn (RFC 8305 4).
std::vector<IpAddress> interleave(const std::vector<IpAddress>& v6,
                                  const std::vector<IpAddress>& v4) {
  std::vector<IpAddress> all;
  for (std::size_t i = 0; i < std::max(v6.size(), v4.size()); ++i) {
    if (i < v6.size()) all.push_back(v6[i]);
    if (i < v4.size()) all.push_back(v4[i]);
  }
  return all;
}

}  // namespace

net::Task<Result<std::vector<Target>>> Search::by_mx(std::string domain) {
  const auto answer = co_await resolver_.resolve(loop_, domain, net::RecordType::mx);
  if (!answer) co_return answer.failure();
  if (!answer->exists) co_return fail(Fault::dns_no_domain, domain);
  mx_secure_ = answer->security == net::DnsSecurity::secure;
  auto hosts = read_mx(*answer, domain);
  if (!hosts) co_return hosts.failure();
  drop_from_own(*hosts);
  if (hosts->size() > kMaxHosts) hosts->resize(kMaxHosts);
  for (Host& host : *hosts) {
    if (addresses_ >= kMaxAddresses) break;
    const bool go_on = co_await add_host(std::move(host));
    if (!go_on) break;
  }
  co_return result();
}

net::Task<Result<std::vector<Target>>> Search::by_hosts(std::vector<std::string> hosts) {
  for (std::string& name : hosts) {
    if (const auto literal = read_literal(name)) {
      targets_.push_back({std::move(name), {*literal}, rules_.port, false});
      continue;
    }
    (void)co_await add_host(Host{0, std::move(name)});
  }
  if (targets_.empty() && !temporary_) {
    // A next hop without an address is our configuration's affair and must not fail mail for good.
    temporary_ = Error{Fault::dns_temporary, "the next hop has no address"};
  }
  co_return result();
}

// Best first, ties at random. Without any MX record the domain is its own host.
Result<std::vector<Search::Host>> Search::read_mx(const net::DnsAnswer& answer,
                                                  const std::string& domain) {
  std::vector<Host> hosts;
  bool has_root = false;
  for (const std::string& rdata : answer.records) {
    auto mx = net::decode_mx(rdata);
    if (mx && mx->host.empty()) has_root = true;
    if (mx && !mx->host.empty()) hosts.push_back({mx->preference, std::move(mx->host)});
  }
  if (answer.records.empty()) hosts.push_back({0, domain});
  if (hosts.empty() && has_root) return fail(Fault::null_mx, domain);
  if (hosts.empty()) return fail(Fault::dns_temporary, "unreadable MX records of " + domain);
  if (hosts.size() > 1) {
    std::ranges::shuffle(hosts, std::minstd_rand(std::random_device{}()));
    std::ranges::sort(hosts, {}, &Host::preference);
  }
  return hosts;
}

// Being an MX ourselves, we hand mail to better ones only (RFC 5321 5.1).
void Search::drop_from_own(std::vector<Host>& hosts) {
  const auto own = std::ranges::find(hosts, rules_.own_name, &Host::name);
  if (own == hosts.end()) return;
  met_ourselves_ = true;
  const std::uint16_t limit = own->preference;
  std::erase_if(hosts, [limit](const Host& host) { return host.preference >= limit; });
}

/// False when the host turned out to be us: it and all as bad or worse are out.
net::Task<bool> Search::add_host(Host host) {
  std::vector<IpAddress> v6;
  std::vector<IpAddress> v4;
  answers_secure_ = mx_secure_;
  const bool knows_v6 = co_await look_up(host.name, net::RecordType::aaaa, v6);
  const bool knows_v4 = co_await look_up(host.name, net::RecordType::a, v4);
  std::vector<IpAddress> addresses = interleave(v6, v4);
  if (std::ranges::any_of(addresses, [this](const auto& a) { return is_own(a); })) {
    met_ourselves_ = true;
    while (!targets_.empty() && preferences_.back() == host.preference) {
      targets_.pop_back();
      preferences_.pop_back();
    }
    co_return false;
  }
  keep_usable(addresses);
  if (addresses.empty()) co_return true;
  addresses_ += addresses.size();
  targets_.push_back({std::move(host.name), std::move(addresses), rules_.port,
                      answers_secure_ && knows_v6 && knows_v4});
  preferences_.push_back(host.preference);
  co_return true;
}

/// False when the answer could not be had.
net::Task<bool> Search::look_up(std::string name, net::RecordType type,
                                std::vector<IpAddress>& into) {
  const auto answer = co_await resolver_.resolve(loop_, std::move(name), type);
  if (!answer) {
    // What is no name has no address; anything else may have one later.
    if (answer.error().fault != Fault::bad_parameter && !temporary_) temporary_ = answer.error();
    co_return false;
  }
  if (answer->security != net::DnsSecurity::secure) answers_secure_ = false;
  for (const std::string& rdata : answer->records) {
    if (const auto address = net::decode_address(rdata)) into.push_back(*address);
  }
  co_return true;
}

bool Search::is_own(const IpAddress& address) const {
  return std::ranges::find(rules_.own, Endpoint{address, rules_.port}) != rules_.own.end();
}

void Search::keep_usable(std::vector<IpAddress>& addresses) {
  if (!rules_.allow_special) {
    const auto dropped =
        std::erase_if(addresses, [](const IpAddress& address) { return address.is_special(); });
    met_special_ = met_special_ || dropped > 0;
  }
  const std::size_t room = std::min(kMaxAddressesPerHost, kMaxAddresses - addresses_);
  if (addresses.size() > room) addresses.resize(room);
}

Result<std::vector<Target>> Search::result() {
  if (!targets_.empty()) return std::move(targets_);
  if (temporary_) return fail(std::move(*temporary_));
  if (met_ourselves_) return fail(Fault::routing_loop);
  return fail(Fault::address_forbidden,
              met_special_ ? "only special addresses" : "no mail host has an address");
}

}  // namespace signet::route
