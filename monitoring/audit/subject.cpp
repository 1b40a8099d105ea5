#include "monitoring/audit/subject.hpp"

#include <set>

#include "keys/key_folder.hpp"
#include "relay/route/router.hpp"

namespace signet::audit {
namespace {

StoredKey read_key(const keys::StoreAccess& store, const Domain& domain,
                   const keys::KeyEntry& entry) {
  StoredKey key{.selector = entry.selector, .state = entry.state};
  const auto file = std::filesystem::path(domain.text()) / (entry.selector + ".pem");
  const auto loaded = keys::PrivateKey::load(store.directory, file, store.allow_group);
  if (!loaded) {
    key.error = loaded.error().detail;
    return key;
  }
  key.algorithm = loaded->algorithm();
  key.public_base64 = loaded->public_base64();
  key.record = loaded->dns_record();
  return key;
}

/// False: the domain has no key there.
bool read_keys(const keys::StoreAccess& store, const Domain& domain, Subject& subject) {
  const auto set = keys::read_key_set(store, domain);
  if (!set && set.error().fault == Fault::not_found) return false;
  subject.signing_domain = domain;
  subject.is_in_store = true;
  if (!set) subject.store_error = set.error().detail;
  if (!set) return true;
  for (const keys::KeyEntry& entry : *set) subject.keys.push_back(read_key(store, domain, entry));
  return true;
}

}  // namespace

align::WaysOut ways_of(const config::Settings& settings, const Domain& domain, bool& is_carried) {
  align::WaysOut ways;
  is_carried = false;
  for (const config::ClientSettings& client : settings.clients) {
    if (!client.all_domains && !client.domains.contains(domain)) continue;
    is_carried = true;
    for (const config::RouteSettings& route : settings.routes) {
      const auto* pool = route::find_pool(settings, route::choose_pool(settings, route, &client));
      align::add_ways(route, pool, false, ways);
    }
  }
  return ways;
}

Subject read_subject(const config::Settings& settings, const Domain& domain) {
  Subject subject{.domain = domain, .signing_domain = domain};
  subject.ways = ways_of(settings, domain, subject.is_carried);
  const keys::StoreAccess store{.directory = settings.store,
                                .allow_group = settings.store_allow_group};
  if (read_keys(store, domain, subject)) return subject;
  const auto parent = settings.signing.parents.find(domain);
  if (parent != settings.signing.parents.end()) (void)read_keys(store, parent->second, subject);
  return subject;
}

std::vector<Domain> named_domains(const config::Settings& settings) {
  std::set<Domain> domains;
  for (const auto& client : settings.clients)
    domains.insert(client.domains.begin(), client.domains.end());
  for (const auto& [child, parent] : settings.signing.parents) domains.insert({child, parent});
  if (settings.signing.platform_domain) domains.insert(*settings.signing.platform_domain);
  return {domains.begin(), domains.end()};
}

}  // namespace signet::audit
