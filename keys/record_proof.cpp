#include "keys/record_proof.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <thread>

#include "keys/dns_exchange.hpp"
#include "keys/key_record.hpp"
#include "keys/letter_case.hpp"
#include "keys/secret_file.hpp"

namespace signet::keys {
namespace {

constexpr std::size_t kMaxServers = 16;
constexpr int kMaxAliases = 4;
constexpr int kMaxLabels = 20;
constexpr std::size_t kSoaFields = 7;  // RFC 1035 3.3.13; the last is the minimum.

std::string text_of(const ldns_rdf* name) {
  const Ldns<char> text(ldns_rdf2str(name));
  std::string result = text ? text.get() : "";
  if (result.size() > 1 && result.ends_with('.')) result.pop_back();
  return lower(result);
}

/// The character-strings of a TXT record, joined.
std::string joined(const ldns_rr* record) {
  std::string text;
  for (std::size_t i = 0; i < ldns_rr_rd_count(record); ++i) {
    const auto* data = ldns_rr_rdf(record, i);
    if (ldns_rdf_size(data) > 0)
      text.append(reinterpret_cast<const char*>(ldns_rdf_data(data)) + 1, ldns_rdf_size(data) - 1);
  }
  return text;
}

std::vector<Endpoint> system_resolvers() {
  std::vector<Endpoint> resolvers;
  std::ifstream file("/etc/resolv.conf");
  for (std::string word, value; file >> word;) {
    if (word != "nameserver" || !(file >> value)) continue;
    if (const auto address = IpAddress::parse(value)) resolvers.push_back({*address, 53});
  }
  return resolvers;
}

std::string parent_of(const std::string& name) {
  const auto dot = name.find('.');
  return dot == std::string::npos ? "." : name.substr(dot + 1);
}

/// True if this host has a way to that address. Nothing is sent.
bool has_route(const Endpoint& server) {
  sockaddr_storage storage{};
  const socklen_t length = server.to_sockaddr(storage);
  const Descriptor socket(::socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return socket.is_open() &&
         ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&storage), length) == 0;
}

bool is_within(const std::string& name, const std::string& apex) {
  return apex == "." || name == apex || name.ends_with("." + apex);
}

/// Of a zone that `name` is in; null: none.
const ldns_rr* soa_in(const ldns_rr_list* records, const std::string& name) {
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(records); ++i) {
    const auto* record = ldns_rr_list_rr(records, i);
    if (ldns_rr_get_type(record) == LDNS_RR_TYPE_SOA && ldns_rr_rd_count(record) == kSoaFields &&
        is_within(name, text_of(ldns_rr_owner(record))))
      return record;
  }
  return nullptr;
}

std::chrono::seconds ttl_of(const ldns_rr* record) {
  return std::chrono::seconds(ldns_rr_ttl(record));
}

std::chrono::seconds minimum_of(const ldns_rr* soa) {
  return std::chrono::seconds(ldns_rdf2native_int32(ldns_rr_rdf(soa, kSoaFields - 1)));
}

}  // namespace

/// What one server says.
struct DnsProof::One {
  Seen seen;
  std::string alias = {};  ///< Of the zone's own: where a CNAME leads instead.
  std::chrono::seconds alias_ttl{0};
  std::vector<std::string> path = {};  ///< Where all CNAMEs of the answer lead.
};

Seen compare_record(std::string_view found, std::string_view expected) {
  const auto theirs = parse_key_record(found);
  if (!theirs) return {RecordSeen::other, {}, "no valid DKIM key record: " + theirs.error().detail};
  if (theirs->key.empty()) return {RecordSeen::revoked, {}, "p= is empty"};
  const auto ours = parse_key_record(expected);
  if (!ours || theirs->key != ours->key) return {RecordSeen::other, {}, "another key"};
  if (theirs->algorithm != ours->algorithm) return {RecordSeen::other, {}, "wrong k="};
  if (!theirs->allows_sha256) return {RecordSeen::other, {}, "h= lacks sha256"};
  if (!theirs->allows_email) return {RecordSeen::other, {}, "s= lacks email"};
  if (theirs->testing) return {RecordSeen::other, {}, "t=y: only testing"};
  return {RecordSeen::ours, {}, ""};
}

DnsProof::DnsProof(Options options) : options_(std::move(options)) {
  if (options_.resolvers.empty()) options_.resolvers = system_resolvers();
}

// Whoever asks waits for a slot of its own: no burst, however many threads.
void DnsProof::wait_for_turn() {
  using std::chrono::steady_clock;
  std::unique_lock lock(mutex_);
  const auto turn = std::max(next_turn_, steady_clock::now());
  next_turn_ = turn + std::chrono::microseconds(1'000'000 / options_.queries_per_second);
  lock.unlock();
  std::this_thread::sleep_until(turn);
}

Seen DnsProof::look(const std::string& name, const std::string& expected) {
  if (!options_.authoritative) return look_in_caches(lower(name), expected);
  auto seen = look_in_zone(lower(name), expected);
  if (seen.seen != RecordSeen::ours || options_.also.empty()) return seen;
  for (const Endpoint& resolver : options_.also) {
    const auto one = ask_one(resolver, name, expected, false);
    if (one.seen.seen != RecordSeen::ours) return one.seen;
  }
  return seen;
}

Seen DnsProof::look_in_caches(const std::string& name, const std::string& expected) {
  Seen all{RecordSeen::unknown, {}, "no resolver is configured"};
  std::set<std::string> names{name};
  auto resolvers = options_.resolvers;
  resolvers.insert(resolvers.end(), options_.also.begin(), options_.also.end());
  for (const Endpoint& resolver : resolvers) {
    auto one = ask_one(resolver, name, expected, false);
    if (one.seen.seen == RecordSeen::unknown) return one.seen;
    if (&resolver != &resolvers.front() && one.seen.seen != all.seen)
      return {RecordSeen::other,
              {},
              resolver.to_string() + " says otherwise: " + one.seen.detail,
              std::max(all.foreign_ttl, one.seen.foreign_ttl)};
    one.seen.foreign_ttl = std::max(all.foreign_ttl, one.seen.foreign_ttl);
    all = std::move(one.seen);
    names.insert(one.path.begin(), one.path.end());
  }
  // What a resolver keeps of an earlier answer is gone when the zones' negative TTL has passed.
  for (const std::string& each : names) {
    const auto zone = apex_of(each);
    if (!zone) return {RecordSeen::unknown, {}, zone.error().detail};
    all.negative_ttl = std::max(all.negative_ttl, zone->minimum);
  }
  return all;
}

// That an alias was absent, or what it led to, is remembered apart.
Seen DnsProof::look_in_zone(std::string name, const std::string& expected) {
  std::chrono::seconds negative_ttl{0};
  std::chrono::seconds alias_ttl{0};
  for (int aliases = 0; aliases <= kMaxAliases; ++aliases) {
    const auto zone = zone_of(name);
    if (!zone) return {RecordSeen::unknown, {}, zone.error().detail};
    auto all = ask_all(*zone, name, expected);
    if (all.alias.empty() && all.seen.seen == RecordSeen::unknown) return all.seen;
    negative_ttl = std::max(negative_ttl, negative_ttl_of(*zone));
    if (all.alias.empty()) {
      all.seen.negative_ttl = negative_ttl;
      if (all.seen.foreign_ttl > alias_ttl.zero())
        all.seen.foreign_ttl = std::max(all.seen.foreign_ttl, alias_ttl);
      return all.seen;
    }
    alias_ttl = std::max(alias_ttl, all.alias_ttl);
    name = all.alias;
  }
  return {RecordSeen::other, {}, "over 4 aliases"};
}

DnsProof::One DnsProof::ask_all(const Zone& zone, const std::string& name,
                                const std::string& expected) {
  One all;
  for (const Endpoint& server : zone.servers) {
    auto one = ask_one(server, name, expected, true);
    if (one.seen.seen == RecordSeen::unknown && one.alias.empty()) return one;
    auto foreign = std::max(all.seen.foreign_ttl, one.seen.foreign_ttl);
    const bool is_first = &server == &zone.servers.front();
    if (!is_first && (one.seen.seen != all.seen.seen || one.alias != all.alias)) {
      // Where the one has a record and the other none, an alias may be the new one.
      const bool both = one.seen.seen != RecordSeen::absent && all.seen.seen != RecordSeen::absent;
      if (both) foreign = std::max({foreign, one.alias_ttl, all.alias_ttl});
      return {{RecordSeen::other,
               {},
               "the name servers differ: " + server.to_string() + " " + one.seen.detail,
               foreign}};
    }
    one.seen.foreign_ttl = foreign;
    one.alias_ttl = std::max(one.alias_ttl, all.alias_ttl);
    all = std::move(one);
  }
  return all;
}

// In a cache the SOA's TTL counts down: what is left of it there says nothing.
std::chrono::seconds DnsProof::negative_ttl_of(const Zone& zone) {
  for (const Endpoint& server : zone.servers) {
    wait_for_turn();
    const auto answer = ask(server, zone.apex, LDNS_RR_TYPE_SOA, false, options_.timeout);
    if (!answer || !ldns_pkt_aa(answer->get())) continue;
    if (const auto* soa = soa_in(ldns_pkt_answer(answer->get()), zone.apex))
      return std::min(ttl_of(soa), minimum_of(soa));
  }
  return zone.minimum;
}

DnsProof::One DnsProof::ask_one(const Endpoint& server, const std::string& name,
                                const std::string& expected, bool authoritative) {
  wait_for_turn();
  const auto answer = ask(server, name, LDNS_RR_TYPE_TXT, !authoritative, options_.timeout);
  if (!answer) return {{RecordSeen::unknown, {}, answer.error().detail}};
  const auto where = server.to_string() + ": ";
  const auto rcode = ldns_pkt_get_rcode(answer->get());
  if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
    return {{RecordSeen::unknown, {}, where + "answers with an error"}};
  if (authoritative && !ldns_pkt_aa(answer->get()))
    return {{RecordSeen::unknown, {}, where + "is not authoritative"}};
  const ldns_rr* found = nullptr;
  std::chrono::seconds ttl{0};
  One one{{RecordSeen::absent, {}, where + "no record"}};
  const auto* records = ldns_pkt_answer(answer->get());
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(records); ++i) {
    const auto* record = ldns_rr_list_rr(records, i);
    if (ldns_rr_get_type(record) == LDNS_RR_TYPE_CNAME) {
      ttl = std::max(ttl, ttl_of(record));
      one.path.push_back(text_of(ldns_rr_rdf(record, 0)));
      if (!authoritative || text_of(ldns_rr_owner(record)) != name) continue;
      one.alias = one.path.back();
      one.alias_ttl = ttl_of(record);
    }
    if (ldns_rr_get_type(record) != LDNS_RR_TYPE_TXT) continue;
    ttl = std::max(ttl, ttl_of(record));
    if (found != nullptr) return {{RecordSeen::other, {}, where + "several TXT records", ttl}};
    found = record;
  }
  if (!one.alias.empty()) {  // Proven where it leads, by the servers of that zone.
    one.seen = {};
    return one;
  }
  if (found == nullptr) return one;
  one.seen = compare_record(joined(found), expected);
  if (!one.seen.detail.empty()) one.seen.detail = where + one.seen.detail;
  if (one.seen.seen != RecordSeen::ours) one.seen.foreign_ttl = ttl;
  return one;
}

Result<DnsProof::Zone> DnsProof::zone_of(const std::string& name) {
  auto zone = apex_of(name);
  if (!zone) return zone;
  auto servers = servers_of(zone->apex);
  if (!servers) return servers.failure();
  zone->servers = std::move(*servers);
  return zone;
}

Result<DnsProof::Zone> DnsProof::apex_of(const std::string& name) {
  // The selector itself may be an alias, whose SOA is another zone's: begin above it.
  std::string at = parent_of(lower(name));
  for (int i = 0; i < kMaxLabels; ++i, at = parent_of(at)) {
    const auto answer = ask_resolvers(at, LDNS_RR_TYPE_SOA);
    if (!answer) return answer.failure();
    for (const auto* section :
         {ldns_pkt_answer(answer->get()), ldns_pkt_authority(answer->get())}) {
      if (const auto* soa = soa_in(section, at))
        return Zone{.apex = text_of(ldns_rr_owner(soa)), .minimum = minimum_of(soa), .servers = {}};
    }
    if (at == ".") break;
  }
  return fail(Fault::dns_temporary, "no zone found for " + name);
}

Result<Ldns<ldns_pkt>> DnsProof::ask_resolvers(const std::string& name, ldns_rr_type type) {
  Result<Ldns<ldns_pkt>> answer = fail(Fault::dns_temporary, "no resolver is configured");
  const auto& resolvers = options_.resolvers;
  const std::size_t first = resolver_;
  for (std::size_t i = 0; i < resolvers.size(); ++i) {
    const std::size_t at = (first + i) % resolvers.size();
    wait_for_turn();
    answer = ask(resolvers[at], name, type, true, options_.timeout);
    if (!answer) continue;
    resolver_ = at;
    const auto rcode = ldns_pkt_get_rcode(answer->get());
    if (rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN) break;
  }
  return answer;
}

Result<std::vector<Endpoint>> DnsProof::servers_of(const std::string& apex) {
  const auto answer = ask_resolvers(apex, LDNS_RR_TYPE_NS);
  if (!answer) return answer.failure();
  std::vector<Endpoint> servers;
  const auto* records = ldns_pkt_answer(answer->get());
  for (std::size_t i = 0; i < ldns_rr_list_rr_count(records); ++i) {
    const auto* record = ldns_rr_list_rr(records, i);
    if (ldns_rr_get_type(record) != LDNS_RR_TYPE_NS) continue;
    const auto addresses = addresses_of(text_of(ldns_rr_rdf(record, 0)));
    if (!addresses) return addresses.failure();
    servers.insert(servers.end(), addresses->begin(), addresses->end());
  }
  if (servers.empty()) return fail(Fault::dns_temporary, "no name server known for " + apex);
  servers.resize(std::min(servers.size(), kMaxServers), servers.front());
  return servers;
}

// A host without IPv6 can't ask a server there, and need not where the server has another address.
Result<std::vector<Endpoint>> DnsProof::addresses_of(const std::string& host) {
  std::vector<Endpoint> all;
  for (const auto type : {LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA}) {
    const auto answer = ask_resolvers(host, type);
    if (!answer) return answer.failure();
    const auto* found = ldns_pkt_answer(answer->get());
    for (std::size_t i = 0; i < ldns_rr_list_rr_count(found); ++i) {
      if (ldns_rr_get_type(ldns_rr_list_rr(found, i)) != type) continue;
      const auto* data = ldns_rr_rdf(ldns_rr_list_rr(found, i), 0);
      all.push_back(
          {IpAddress::from_bytes(ldns_rdf_data(data), type == LDNS_RR_TYPE_AAAA), options_.port});
    }
  }
  std::vector<Endpoint> reachable;
  std::ranges::copy_if(all, std::back_inserter(reachable), &has_route);
  return reachable.empty() ? all : reachable;
}

}  // namespace signet::keys
