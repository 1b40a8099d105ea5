#include "relay/align/ways_out.hpp"

#include <algorithm>
#include <array>

namespace signet::align {
namespace {

constexpr unsigned kMostWholeBits = 4;  // A network of 16 addresses counts with each of them.

void add_point(EgressPoint point, WaysOut& ways) {
  if (std::ranges::find(ways.points, point) != ways.points.end()) return;
  if (ways.points.size() == kMaxPoints) {
    ways.some_address_unknown = true;
    return;
  }
  ways.points.push_back(std::move(point));
}

/// The address `distance` after the network's first; all ones past the prefix for its last.
IpAddress address_in(const IpNetwork& network, unsigned distance, bool last) {
  const auto first = network.address.bytes();
  std::array<std::uint8_t, 16> octets{};
  std::ranges::copy(first, octets.begin());
  const auto bits = static_cast<unsigned>(first.size() * 8);
  for (unsigned bit = network.prefix; last && bit < bits; ++bit)
    octets.at(bit / 8) |= static_cast<std::uint8_t>(0x80U >> (bit % 8));
  if (!last) {
    auto& octet = octets.at(first.size() - 1);
    octet = static_cast<std::uint8_t>(octet + distance);
  }
  return IpAddress::from_bytes(octets.data(), network.address.is_v6());
}

/// A larger network counts with its first and last address: who lists it lists it whole.
void add_network(const IpNetwork& network, WaysOut& ways) {
  const unsigned bits = (network.address.is_v6() ? 128U : 32U) - network.prefix;
  const bool whole = bits <= kMostWholeBits;
  for (unsigned i = 0; i < (whole ? 1U << bits : 1U); ++i)
    add_point({address_in(network, i, false), {}}, ways);
  if (!whole) add_point({address_in(network, 0, true), {}}, ways);
}

}  // namespace

void add_ways(const config::RouteSettings& route, const config::PoolSettings* pool,
              bool null_sender, WaysOut& ways) {
  if (route.kind == config::RouteKind::maildir) return;
  ways.leads_outside = true;
  if (route.kind == config::RouteKind::host) {
    if (route.spf_addresses.empty() || null_sender) ways.some_address_unknown = true;
    if (null_sender) return;
    for (const IpNetwork& network : route.spf_addresses) add_network(network, ways);
    return;
  }
  if (pool == nullptr || pool->addresses.empty()) ways.some_address_unknown = true;
  if (pool == nullptr) return;
  for (const config::EgressAddress& address : pool->addresses)
    add_point({address.public_address, address.helo}, ways);
}

}  // namespace signet::align
