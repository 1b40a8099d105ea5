// MX, reverse DNS and HELO names.
#include <algorithm>

#include "monitoring/audit/checks.hpp"
#include "monitoring/audit/records.hpp"

namespace signet::audit {
namespace {

bool is_null(const net::MxRecord& record) { return record.host.empty(); }

bool leads_back(const PointerName& name) { return name.leads_back; }

Finding judge_names(const AddressFacts& address) {
  const std::string ip = address.point.address.to_string();
  Finding finding{.check = Check::reverse_dns, .subject = ip};
  const auto confirmed = std::ranges::find_if(address.names, &leads_back);
  if (confirmed != address.names.end()) {
    finding.words = ip + " has the name " + confirmed->name + ", which leads back";
    if (confirmed->name != address.point.helo) {
      finding.level = Level::note;
      finding.words += "; its HELO name is " + address.point.helo;
    }
    return finding;
  }
  if (!address.names_error.empty()) {
    finding.level = Level::unknown;
    finding.words = "the name of " + ip + " can't be looked up: " + address.names_error;
    return finding;
  }
  finding.level = Level::fail;
  finding.words = address.names.empty() ? ip + " has no name in the reverse DNS"
                                        : "the name of " + ip + ", " + address.names.front().name +
                                              ", does not lead back to it";
  finding.publish.push_back(pointer_line(address.point.address, address.point.helo));
  return finding;
}

Finding judge_helo(const AddressFacts& address) {
  const IpAddress& ip = address.point.address;
  const std::string& helo = address.point.helo;
  Finding finding{.check = Check::helo, .subject = ip.to_string()};
  if (std::ranges::find(address.helo_addresses, ip) != address.helo_addresses.end()) {
    finding.words = "the HELO name " + helo + " leads to " + ip.to_string();
    return finding;
  }
  if (!address.helo_error.empty()) {
    finding.level = Level::unknown;
    finding.words = "the HELO name " + helo + " can't be looked up: " + address.helo_error;
    return finding;
  }
  finding.level = Level::fail;
  finding.words = address.helo_addresses.empty()
                      ? "the HELO name " + helo + " has no address"
                      : "the HELO name " + helo + " does not lead to " + ip.to_string();
  finding.publish.push_back(address_line(helo, ip));
  return finding;
}

template <typename Judge>
Findings for_each_address(const Facts& facts, Check check, Judge judge) {
  Findings findings;
  for (const AddressFacts& address : facts.addresses) {
    if (address.is_checked) {
      findings.push_back(judge(address));
    } else if (!address.point.helo.empty()) {
      const std::string ip = address.point.address.to_string();
      findings.push_back({.check = check,
                          .level = Level::warning,
                          .subject = ip,
                          .words = ip + " is private: say with public = what receivers see"});
    }
  }
  if (findings.empty())
    findings.push_back({.check = check,
                        .level = Level::note,
                        .words = "the configuration names no egress address of ours"});
  return findings;
}

}  // namespace

Findings check_mail_hosts(const Facts& facts) {
  const std::string& domain = facts.subject.domain.text();
  const MailHosts& hosts = facts.mail_hosts;
  Finding finding{.check = Check::mx, .subject = domain};
  if (!hosts.error.empty()) {
    finding.level = Level::unknown;
    finding.words = "the MX of " + domain + " can't be looked up: " + hosts.error;
  } else if (std::ranges::any_of(hosts.records, &is_null)) {
    finding.level = Level::fail;
    finding.words = domain + " says that it takes no mail (null MX): receivers refuse its mail";
  } else if (!hosts.records.empty()) {
    finding.words = std::to_string(hosts.records.size()) + " MX";
  } else {
    finding.level = hosts.has_address ? Level::warning : Level::fail;
    finding.words = hosts.has_address
                        ? domain + " has no MX: answers and bounces go to its own address"
                        : domain + " has neither MX nor address: answers and bounces can't arrive";
  }
  // Who takes its mail only its owner knows: the name is for him to fill in.
  if (finding.level == Level::warning || finding.level == Level::fail)
    finding.publish.push_back(domain + ". IN MX 10 mx." + domain + ".");
  return {std::move(finding)};
}

Findings check_reverse_dns(const Facts& facts) {
  return for_each_address(facts, Check::reverse_dns, &judge_names);
}

Findings check_helo(const Facts& facts) {
  return for_each_address(facts, Check::helo, &judge_helo);
}

}  // namespace signet::audit
