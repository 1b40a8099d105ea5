#include "relay/route/diversion.hpp"

#include "config/next_hop.hpp"

namespace signet::route {
namespace {

constexpr std::string_view kRoute = "route ";

std::string names_of(const config::Settings& settings) {
  std::string names;
  for (const auto& route : settings.routes)
    names.append(names.empty() ? "" : ", ").append(route.name);
  return names;
}

std::string to_string(const config::NextHop& hop) {
  const bool is_v6 = hop.host.find(':') != std::string::npos;
  std::string text = hop.implicit_tls ? "smtps://" : "smtp://";
  text.append(is_v6 ? "[" : "").append(hop.host).append(is_v6 ? "]" : "");
  return text.append(":").append(std::to_string(hop.port));
}

/// A name without a dot is more likely a misspelt route than a host.
bool looks_like_host(std::string_view written) {
  return written.find_first_of(".:[") != std::string_view::npos;
}

}  // namespace

Result<std::string> parse_diversion(const config::Settings& settings, std::string_view written) {
  if (route_named(settings, written) != nullptr) return std::string(kRoute).append(written);
  const bool is_whole = written.find("://") != std::string_view::npos;
  if (is_whole || looks_like_host(written)) {
    const auto hop =
        config::parse_next_hop(is_whole ? std::string(written) : "smtp://" + std::string(written));
    if (hop) return to_string(*hop);
  }
  const std::string words =
      "no route has that name, and it is no next hop such as "
      "smtp://host:port; the routes are " +
      names_of(settings);
  return fail(Fault::bad_parameter, words, words);
}

WaitingRoute route_of(std::shared_ptr<const config::Settings> settings, std::string_view diversion,
                      const Domain& recipient_domain) {
  if (diversion.empty()) {
    const RouteMatch match = match_route(*settings, recipient_domain);
    return {{std::move(settings), match.route}, match.by};
  }
  if (diversion.starts_with(kRoute)) {
    const auto* named = route_named(*settings, diversion.substr(kRoute.size()));
    return {{std::move(settings), named}, RoutedBy::order};
  }
  const auto hop = config::parse_next_hop(diversion);
  if (!hop) return {{}, RoutedBy::order};
  config::RouteSettings made;
  // With a space, which no route of the configuration has.
  made.name = "next hop " + std::string(diversion);
  made.kind = config::RouteKind::host;
  made.hosts = {hop->host};
  made.port = hop->port;
  made.implicit_tls = hop->implicit_tls;
  return {std::make_shared<const config::RouteSettings>(std::move(made)), RoutedBy::order, true};
}

}  // namespace signet::route
