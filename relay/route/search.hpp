// One search for the hosts of a destination: the state and rules behind Router::find_targets.
//
// RFC 5321 5.1 (MX, implicit MX, own name), RFC 7505 (null MX), RFC 7672 2.2.1 (what counts as
// secure). Bounded: 10 hosts, 8 addresses each, 16 in all.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "relay/route/router.hpp"

namespace signet::route {

class Search {
 public:
  struct Rules {
    std::uint16_t port = 25;
    bool allow_special = false;     ///< Private and other special addresses are fine.
    std::span<const Endpoint> own;  ///< Never a target, when not empty.
    std::string_view own_name;      ///< Our hostname, lower case.
  };

  /// `resolver` and what `rules` view must outlive the search.
  Search(net::Resolver& resolver, net::Loop& loop, Rules rules)
      : resolver_(resolver), loop_(loop), rules_(rules) {}

  /// By the MX records of `domain`, or its addresses where there are none.
  net::Task<Result<std::vector<Target>>> by_mx(std::string domain);
  /// The hosts of a configured next hop, in order: names or addresses.
  net::Task<Result<std::vector<Target>>> by_hosts(std::vector<std::string> hosts);

 private:
  struct Host {
    std::uint16_t preference = 0;
    std::string name;
  };

  [[nodiscard]] Result<std::vector<Host>> read_mx(const net::DnsAnswer& answer,
                                                  const std::string& domain);
  void drop_from_own(std::vector<Host>& hosts);
  net::Task<bool> add_host(Host host);
  net::Task<bool> look_up(std::string name, net::RecordType type, std::vector<IpAddress>& into);
  [[nodiscard]] bool is_own(const IpAddress& address) const;
  void keep_usable(std::vector<IpAddress>& addresses);
  [[nodiscard]] Result<std::vector<Target>> result();

  net::Resolver& resolver_;
  net::Loop& loop_;
  Rules rules_;
  std::vector<Target> targets_;
  std::vector<std::uint16_t> preferences_;  ///< Of targets_.
  std::size_t addresses_ = 0;
  bool mx_secure_ = false;
  bool answers_secure_ = false;  ///< Of the host being looked up.
  // Why there may be no target.
  std::optional<Error> temporary_;
  bool met_ourselves_ = false;
  bool met_special_ = false;
};

}  // namespace signet::route
