// The answer in a DNS response packet (RFC 1035 4.1), decoded strictly: nothing outside the packet
// is read, and whatever does not fit makes the whole packet malformed.
//
// Only what the resolver asks for: the CNAME chain, the wanted records, the time to live. Sections
// other than answer and authority are not looked at.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "relay/net/resolver.hpp"

namespace signet::net {

struct DnsResponse {
  unsigned rcode = 0;  ///< RFC 1035 4.1.1: 0 no error, 3 no such name.
  DnsAnswer answer;    ///< `security` is not the packet's to say.
};

/// The records of `type` at the end of the CNAME chain of the question. Names inside the RDATA of
/// NS, CNAME, PTR, MX and SOA are expanded, so that each record stands for itself. The time to live
/// is the least of chain and records, or that of the denial (RFC 2308 5). Nothing when malformed.
[[nodiscard]] std::optional<DnsResponse> decode_response(std::string_view packet, RecordType type);

/// A domain name in wire form, uncompressed, as lower-case text without the trailing dot; the root
/// is empty. Nothing when it is malformed or a label has octets that no host or mail name has
/// (dots, blanks, backslashes, controls, 8-bit).
[[nodiscard]] std::optional<std::string> name_from_wire(std::string_view wire);

}  // namespace signet::net
