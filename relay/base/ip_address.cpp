#include "relay/base/ip_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace signet {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

struct SpecialBlock {
  const char* text;
  bool is_private = false;
};

// IANA special-purpose registries (RFC 6890) as far as mail is concerned.
constexpr std::array kSpecialBlocks{
    SpecialBlock{"0.0.0.0/8", true},
    SpecialBlock{"10.0.0.0/8", true},
    SpecialBlock{"100.64.0.0/10", true},
    SpecialBlock{"127.0.0.0/8", true},
    SpecialBlock{"169.254.0.0/16", true},
    SpecialBlock{"172.16.0.0/12", true},
    SpecialBlock{"192.0.0.0/24"},
    SpecialBlock{"192.0.2.0/24"},
    SpecialBlock{"192.168.0.0/16", true},
    SpecialBlock{"198.18.0.0/15"},
    SpecialBlock{"198.51.100.0/24"},
    SpecialBlock{"203.0.113.0/24"},
    SpecialBlock{"224.0.0.0/3"},
    SpecialBlock{"::/127", true},
    SpecialBlock{"64:ff9b:1::/48"},
    SpecialBlock{"100::/64"},
    SpecialBlock{"2001:db8::/32"},
    SpecialBlock{"fc00::/7", true},
    SpecialBlock{"fe80::/10", true},
    SpecialBlock{"fec0::/10", true},
    SpecialBlock{"ff00::/8"},
};

const std::array<IpNetwork, kSpecialBlocks.size()>& special_networks() {
  static const auto networks = [] {
    std::array<IpNetwork, kSpecialBlocks.size()> parsed{};
    for (std::size_t i = 0; i < kSpecialBlocks.size(); ++i)
      parsed[i] = IpNetwork::parse(kSpecialBlocks[i].text).value();
    return parsed;
  }();
  return networks;
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  std::array<std::uint8_t, 16> octets{};
  if (copy.size() != std::strlen(copy.c_str()))
    return fail(Fault::bad_parameter, "NUL in IP address");
  if (inet_pton(AF_INET, copy.c_str(), octets.data()) == 1) return from_bytes(octets.data(), false);
  if (inet_pton(AF_INET6, copy.c_str(), octets.data()) == 1) return from_bytes(octets.data(), true);
  return fail(Fault::bad_parameter, "not an IP address");
}

IpAddress IpAddress::from_bytes(const std::uint8_t* bytes, bool v6) {
  IpAddress address;
  if (v6 && std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes)) {
    return from_bytes(bytes + kMappedPrefix.size(), false);
  }
  address.v6_ = v6;
  std::copy_n(bytes, v6 ? 16 : 4, address.octets_.begin());
  return address;
}

std::string_view IpAddress::bytes() const {
  return {reinterpret_cast<const char*>(octets_.data()), v6_ ? std::size_t{16} : std::size_t{4}};
}

std::string IpAddress::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v6_ ? AF_INET6 : AF_INET, octets_.data(), text.data(), text.size());
  return text.data();
}

bool IpAddress::is_special() const {
  return std::ranges::any_of(special_networks(),
                             [this](const IpNetwork& network) { return network.contains(*this); });
}

bool IpAddress::is_private() const {
  for (std::size_t i = 0; i < kSpecialBlocks.size(); ++i) {
    if (kSpecialBlocks[i].is_private && special_networks()[i].contains(*this)) return true;
  }
  return false;
}

bool IpAddress::is_loopback() const {
  if (!v6_) return octets_[0] == 127;
  return std::all_of(octets_.begin(), octets_.end() - 1,
                     [](std::uint8_t octet) { return octet == 0; }) &&
         octets_[15] == 1;
}

Result<IpNetwork> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return address.failure();
  const unsigned width = address->is_v6() ? 128 : 32;
  IpNetwork network{*address, width};
  if (slash != std::string_view::npos &&
      (!parse_number(text.substr(slash + 1), network.prefix) || network.prefix > width)) {
    return fail(Fault::bad_parameter, "bad prefix length");
  }
  const std::string_view bytes = network.address.bytes();
  for (unsigned bit = network.prefix; bit < width; ++bit) {
    if ((static_cast<unsigned char>(bytes[bit / 8]) >> (7 - bit % 8)) & 1U) {
      return fail(Fault::bad_parameter, "host bits set after the prefix");
    }
  }
  return network;
}

bool IpNetwork::contains(const IpAddress& other) const {
  if (address.is_v6() != other.is_v6()) return false;
  const std::string_view ours = address.bytes();
  const std::string_view theirs = other.bytes();
  const std::size_t whole = prefix / 8;
  if (ours.substr(0, whole) != theirs.substr(0, whole)) return false;
  const unsigned rest = prefix % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xffU << (8 - rest) & 0xffU;
  return ((static_cast<unsigned char>(ours[whole]) ^ static_cast<unsigned char>(theirs[whole])) &
          mask) == 0;
}

std::string IpNetwork::to_string() const {
  return address.to_string() + "/" + std::to_string(prefix);
}

Result<Endpoint> Endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Fault::bad_parameter, "port missing");
  std::string_view host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return fail(Fault::bad_parameter, "write an IPv6 address as [address]:port");
  }
  Endpoint endpoint;
  auto address = IpAddress::parse(host);
  if (!address) return address.failure();
  if (!parse_number(text.substr(colon + 1), endpoint.port))
    return fail(Fault::bad_parameter, "bad port");
  endpoint.address = *address;
  return endpoint;
}

Endpoint Endpoint::from_sockaddr(const sockaddr_storage& storage) {
  Endpoint endpoint;
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    endpoint.address = IpAddress::from_bytes(v6.sin6_addr.s6_addr, true);
    endpoint.port = ntohs(v6.sin6_port);
  } else if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    endpoint.address =
        IpAddress::from_bytes(reinterpret_cast<const std::uint8_t*>(&v4.sin_addr), false);
    endpoint.port = ntohs(v4.sin_port);
  }
  return endpoint;
}

socklen_t Endpoint::to_sockaddr(sockaddr_storage& storage) const {
  storage = {};
  if (address.is_v6()) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(v6.sin6_addr.s6_addr, address.bytes().data(), 16);
    std::memcpy(&storage, &v6, sizeof v6);
    return sizeof v6;
  }
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  std::memcpy(&v4.sin_addr, address.bytes().data(), 4);
  std::memcpy(&storage, &v4, sizeof v4);
  return sizeof v4;
}

std::string Endpoint::to_string() const {
  const std::string host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  return host + ":" + std::to_string(port);
}

}  // namespace signet
