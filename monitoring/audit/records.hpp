// Records to publish: what is there, mended, as text or as a line of a zone file.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "relay/align/dmarc_record.hpp"
#include "relay/base/ip_address.hpp"

namespace signet::audit {

/// One SPF record in place of those among `texts`: what is wrong is left out, `missing` addresses
/// come first. Without any record: these addresses and "~all".
[[nodiscard]] std::string mended_spf(std::span<const std::string> texts,
                                     std::span<const IpAddress> missing);

/// The DMARC record among `texts` (the first of several) without tags that are removed, unknown,
/// repeated or malformed, with a valid p= and a reporting address. Without any: p=none.
[[nodiscard]] std::string mended_dmarc(std::span<const std::string> texts, std::string_view domain);
/// A record that mended_dmarc() gave with another p= that holds for subdomains too, and in earnest:
/// without sp= and t=.
[[nodiscard]] std::string with_policy(const std::string& record, align::DmarcPolicy policy);

/// "192.0.2.7" at `name` as A or AAAA.
[[nodiscard]] std::string address_line(std::string_view name, const IpAddress& address);
[[nodiscard]] std::string pointer_line(const IpAddress& address, std::string_view name);

}  // namespace signet::audit
