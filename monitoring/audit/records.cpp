#include "monitoring/audit/records.hpp"

#include <algorithm>
#include <set>

#include "relay/align/spf_macro.hpp"
#include "relay/align/spf_record.hpp"

namespace signet::audit {
namespace {

constexpr std::string_view kSpf = "v=spf1";
constexpr std::string_view kDmarc = "v=DMARC1";
constexpr std::size_t kMaxTerms = 200;  // Of a record that is mended term by term.

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(separator), text.size());
    auto part = text.substr(0, end);
    part.remove_prefix(std::min(part.find_first_not_of(" \t"), part.size()));
    part = part.substr(0, part.find_last_not_of(" \t") + 1);
    if (!part.empty()) parts.push_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string address_term(const IpAddress& address) {
  return (address.is_v6() ? " ip6:" : " ip4:") + address.to_string();
}

/// The valid terms of all records after one another; what ends a record comes last.
std::string joined_terms(std::span<const std::string_view> records) {
  std::string record(kSpf);
  std::string last;
  std::size_t count = 0;
  for (const std::string_view each : records) {
    for (const std::string_view term : split(each.substr(kSpf.size()), ' ')) {
      const auto alone = align::parse_spf_record(std::string(kSpf) + ' ' + std::string(term));
      if (!alone || ++count > kMaxTerms) continue;
      const bool is_all = !alone->directives.empty() &&
                          alone->directives.front().mechanism == align::SpfMechanism::all;
      if (is_all || (alone->redirect && last.empty())) last = term;
      if (is_all || alone->redirect) continue;
      std::string longer = record + ' ' + std::string(term);
      if (align::parse_spf_record(longer)) record = std::move(longer);
    }
  }
  return record + ' ' + (last.empty() ? "~all" : last);
}

std::string_view tag_name(std::string_view tag) {
  const auto name = tag.substr(0, tag.find('='));
  return name.substr(0, name.find_last_not_of(" \t") + 1);
}

/// True if it says something valid by itself, beside a valid p=.
bool is_sound(std::string_view tag) {
  const std::string policy = tag_name(tag) == "p" ? "; " : "; p=none; ";
  const auto record = align::parse_dmarc_record(std::string(kDmarc) + policy + std::string(tag));
  return record && record->problems.empty();
}

}  // namespace

std::string mended_spf(std::span<const std::string> texts, std::span<const IpAddress> missing) {
  std::vector<std::string_view> records;
  for (const std::string& text : texts)
    if (align::is_spf_record(text)) records.emplace_back(text);
  const bool is_sound = records.size() == 1 && align::parse_spf_record(records.front());
  const std::string found = is_sound ? std::string(records.front()) : joined_terms(records);
  std::string record(kSpf);
  for (const IpAddress& address : missing) record += address_term(address);
  return record + found.substr(kSpf.size());
}

std::string mended_dmarc(std::span<const std::string> texts, std::string_view domain) {
  const auto found = std::ranges::find_if(
      texts, [](const std::string& text) { return align::parse_dmarc_record(text).has_value(); });
  std::string policy = "p=none";
  std::string others;
  std::set<std::string_view> seen;
  for (const std::string_view tag :
       found == texts.end() ? std::vector<std::string_view>() : split(*found, ';')) {
    const std::string_view name = tag_name(tag);
    if (name == "v" || !is_sound(tag) || !seen.insert(name).second) continue;
    if (name == "p") policy = tag;
    if (name != "p") others.append("; ").append(tag);
  }
  std::string record = std::string(kDmarc) + "; " + policy + others;
  if (!seen.contains("rua")) record.append("; rua=mailto:postmaster@").append(domain);
  return record;
}

std::string with_policy(const std::string& record, align::DmarcPolicy policy) {
  std::string changed(kDmarc);
  for (const std::string_view tag : split(record, ';')) {
    const std::string_view name = tag_name(tag);
    if (name == "p") {
      changed.append("; p=").append(align::name_of(policy));
    } else if (name != "v" && name != "t" && name != "sp") {
      changed.append("; ").append(tag);
    }
  }
  return changed;
}

std::string address_line(std::string_view name, const IpAddress& address) {
  return std::string(name) + (address.is_v6() ? ". IN AAAA " : ". IN A ") + address.to_string();
}

std::string pointer_line(const IpAddress& address, std::string_view name) {
  return align::reverse_name(address) + ". IN PTR " + std::string(name) + ".";
}

}  // namespace signet::audit
