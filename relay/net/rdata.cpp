#include "relay/net/dns_message.hpp"
#include "relay/net/resolver.hpp"

namespace signet::net {

std::optional<MxRecord> decode_mx(std::string_view rdata) {
  if (rdata.size() < 3) return {};
  auto host = name_from_wire(rdata.substr(2));
  if (!host) return {};
  const auto high = static_cast<unsigned char>(rdata[0]);
  const auto low = static_cast<unsigned char>(rdata[1]);
  return MxRecord{static_cast<std::uint16_t>(high << 8U | low), std::move(*host)};
}

std::optional<IpAddress> decode_address(std::string_view rdata) {
  if (rdata.size() != 4 && rdata.size() != 16) return {};
  return IpAddress::from_bytes(reinterpret_cast<const std::uint8_t*>(rdata.data()),
                               rdata.size() == 16);
}

std::optional<std::string> decode_txt(std::string_view rdata) {
  if (rdata.empty()) return {};
  std::string text;
  while (!rdata.empty()) {
    const std::size_t length = static_cast<unsigned char>(rdata.front());
    if (length >= rdata.size()) return {};
    text += rdata.substr(1, length);
    rdata.remove_prefix(1 + length);
  }
  return text;
}

std::optional<std::string> decode_name(std::string_view rdata) { return name_from_wire(rdata); }

}  // namespace signet::net
