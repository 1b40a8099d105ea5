// [[pool]] and [[route]]: from which address mail leaves, and where it goes.
#include <algorithm>

#include "config/next_hop.hpp"
#include "config/sections.hpp"

namespace signet::config {
namespace {

constexpr std::string_view kADomain = "a domain name, such as \"example.com\"";
constexpr std::string_view kDefault = "default";

/// A route by MX records that mail of this pool may take; null: none.
const RouteSettings* mx_route_of(const Settings& settings, const std::string& pool) {
  const auto names_it = [&](const auto& each) { return each.pool == pool; };
  const bool is_some_clients =
      pool == kDefault || std::any_of(settings.clients.begin(), settings.clients.end(), names_it);
  for (const RouteSettings& route : settings.routes) {
    if (route.kind != RouteKind::mx) continue;
    if (route.pool.empty() ? is_some_clients : route.pool == pool) return &route;
  }
  return nullptr;
}

/// Later, when the routes are known: receivers must see an address that SPF can allow.
void check_public(Section& address, const EgressAddress& egress, const std::string& pool) {
  if (!egress.public_address.is_private()) return;
  const Position where = address.where(address.has("public") ? "public" : "bind");
  address.reading().check_later([&reading = address.reading(), shown = egress.public_address, pool,
                                 where](const Settings& settings) {
    const RouteSettings* route = mx_route_of(settings, pool);
    if (settings.allow_private_mx || route == nullptr) return;
    reading.problem(where, shown.to_string() + " of pool '" + pool +
                               "' is a private address, which no receiver sees, and route '" +
                               route->name +
                               "' leads to the Internet: set 'public' to the address they see");
  });
}

void read_egress(Section& address, const Settings& settings, PoolSettings& pool) {
  EgressAddress one;
  address.require("bind");
  address.parsed("bind", one.bind, &IpAddress::parse, kAnAddress);
  one.public_address = one.bind;
  address.parsed("public", one.public_address, &IpAddress::parse, kAnAddress);
  if (one.public_address.is_v4() != one.bind.is_v4()) {
    address.problem("public", "must be of the same family as 'bind'");
  }
  std::optional<Domain> helo;
  address.domain("helo", helo);
  one.helo = helo ? helo->text() : settings.hostname;
  address.count("weight", one.weight, 1U, 1000U);
  const auto is_same = [&](const EgressAddress& other) { return other.bind == one.bind; };
  if (std::any_of(pool.addresses.begin(), pool.addresses.end(), is_same)) {
    address.problem("bind", "is in this pool already");
  }
  check_public(address, one, pool.name);
  pool.addresses.push_back(std::move(one));
}

void read_pool(Section& section, Settings& settings) {
  PoolSettings pool;
  section.require("name");
  section.text("name", pool.name);
  if (section.has("name")) section.reading().take_name("pool", pool.name, section.where("name"));
  section.tables("addresses", "'addresses' of [[pool]]",
                 [&](Section& address) { read_egress(address, settings, pool); });
  settings.pools.push_back(std::move(pool));
}

void add_next_hop(Section& section, const std::string& text, Position at, RouteSettings& route) {
  auto hop = parse_next_hop(text);
  if (!hop) {
    return section.problem_at(at, "next_hop",
                              "is \"" + text +
                                  "\": write \"mx\", \"smtp://host:port\", "
                                  "\"smtps://host:port\", a list of such, or \"maildir:/path\"");
  }
  const bool differs =
      !route.hosts.empty() && (hop->port != route.port || hop->implicit_tls != route.implicit_tls);
  if (differs) {
    section.problem_at(at, "next_hop", "needs the same port and smtp: or smtps: for all its hosts");
  }
  route.port = hop->port;
  route.implicit_tls = hop->implicit_tls;
  route.hosts.push_back(std::move(hop->host));
}

void read_next_hop(Section& section, RouteSettings& route) {
  section.require("next_hop");
  const Value* value = section.take("next_hop");
  if (value == nullptr) return;
  const auto* text = std::get_if<std::string>(&value->of);
  if (text != nullptr && *text == "mx") return;
  constexpr std::string_view kMaildir = "maildir:";
  if (text != nullptr && text->starts_with(kMaildir) && text->size() > kMaildir.size()) {
    route.kind = RouteKind::maildir;
    route.maildir = section.reading().resolve(std::string_view(*text).substr(kMaildir.size()));
    return;
  }
  route.kind = RouteKind::host;
  if (text != nullptr) return add_next_hop(section, *text, value->where, route);
  section.texts("next_hop", [&](const std::string& one, Position at) {
    add_next_hop(section, one, at, route);
  });
  if (route.hosts.empty()) section.problem("next_hop", "names no host");
}

/// AUTH at the next hop: never in clear, unless it does not leave this machine.
void check_login(Section& section, const RouteSettings& route) {
  if (route.user.empty() == route.password_file.empty()) {
    if (route.user.empty()) return;
  } else {
    section.problem(route.user.empty() ? "password_file" : "user",
                    "and its companion go together: set 'user' and 'password_file'");
  }
  if (route.kind != RouteKind::host) {
    section.problem("user", "is for a next hop that is a host");
  }
  const bool is_local =
      std::all_of(route.hosts.begin(), route.hosts.end(), [](const std::string& host) {
        const auto address = IpAddress::parse(host);
        return address && address->is_loopback();
      });
  if (route.tls == TlsPolicy::none && !route.implicit_tls && !is_local) {
    section.problem("tls", "must not be \"none\" where a password is sent");
  }
}

void read_recipients(Section& section, RouteSettings& route, const Settings& settings) {
  const auto read = [&](std::string_view key, std::vector<Domain> RouteSettings::* list) {
    section.list<Domain>(key, &Domain::parse, kADomain, [&, key](Domain domain, Position at) {
      for (const RouteSettings& other : settings.routes) {
        const auto& theirs = other.*list;
        if (std::find(theirs.begin(), theirs.end(), domain) == theirs.end()) continue;
        section.problem_at(at, key,
                           "holds " + domain.text() + ", as route '" + other.name + "' does");
      }
      (route.*list).push_back(std::move(domain));
    });
  };
  read("domains", &RouteSettings::domains);
  read("subdomains_of", &RouteSettings::subdomains_of);
  section.flag("default", route.is_default);
  if (route.domains.empty() && route.subdomains_of.empty() && !route.is_default) {
    section.problem("name",
                    "is a route for nobody: set 'domains', 'subdomains_of' or default = true");
  }
  const auto is_default = [](const RouteSettings& other) { return other.is_default; };
  const auto first = std::find_if(settings.routes.begin(), settings.routes.end(), is_default);
  if (route.is_default && first != settings.routes.end()) {
    section.problem("default", "is true for route '" + first->name + "' already");
  }
}

void read_route(Section& section, Settings& settings) {
  RouteSettings route;
  section.require("name");
  section.text("name", route.name);
  if (section.has("name")) section.reading().take_name("route", route.name, section.where("name"));
  read_recipients(section, route, settings);
  read_next_hop(section, route);
  using enum TlsPolicy;
  section.choice("tls", route.tls,
                 {{"none", none}, {"may", may}, {"encrypt", encrypt}, {"verify", verify}});
  section.text("user", route.user);
  section.path("password_file", route.password_file);
  check_login(section, route);
  section.list<IpNetwork>(
      "spf_addresses", &IpNetwork::parse, kANetwork,
      [&](const IpNetwork& one, Position) { route.spf_addresses.push_back(one); });
  if (route.kind != RouteKind::host && !route.spf_addresses.empty()) {
    section.problem("spf_addresses", "is for a next hop that is a host");
  }
  read_pool_name(section, route.pool);
  section.count("connections", route.connections);
  settings.routes.push_back(std::move(route));
}

}  // namespace

void read_pool_name(Section& section, std::string& into) {
  section.text("pool", into);
  if (into.empty()) return;
  section.reading().check_later([&reading = section.reading(), name = into,
                                 where = section.where("pool")](const Settings& settings) {
    const auto is_it = [&](const PoolSettings& pool) { return pool.name == name; };
    if (std::any_of(settings.pools.begin(), settings.pools.end(), is_it)) return;
    reading.problem(where, "there is no [[pool]] with the name '" + name + "'");
  });
}

void read_pools(Section& root, Settings& settings) {
  root.tables("pool", "[[pool]]", [&](Section& pool) { read_pool(pool, settings); });
  auto& pools = settings.pools;
  if (pools.empty()) pools.push_back({std::string(kDefault), {}});
  const auto found = std::find_if(pools.begin(), pools.end(),
                                  [](const PoolSettings& pool) { return pool.name == kDefault; });
  if (found == pools.end()) {
    return root.problem("pool", "must have one with name = \"default\"");
  }
  std::rotate(pools.begin(), found, found + 1);  // The default pool is the first.
}

void read_routes(Section& root, Settings& settings) {
  root.tables("route", "[[route]]", [&](Section& route) { read_route(route, settings); });
  const auto is_default = [](const RouteSettings& route) { return route.is_default; };
  if (std::any_of(settings.routes.begin(), settings.routes.end(), is_default)) return;
  RouteSettings by_mx;
  by_mx.name = kDefault;
  by_mx.is_default = true;
  root.reading().take_name("route", by_mx.name, root.where("route"));
  settings.routes.push_back(std::move(by_mx));
}

}  // namespace signet::config
