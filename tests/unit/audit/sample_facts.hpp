// Facts of a domain with which nothing is wrong, to be spoilt by a test.
#pragma once

#include "monitoring/audit/checks.hpp"

namespace signet::audit {

inline Domain domain(std::string_view text) { return *Domain::parse(text); }
inline IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

inline AddressFacts sample_address(const std::string& ip, const std::string& helo) {
  AddressFacts facts{.point = {address(ip), helo}};
  facts.spf.outcome = align::SpfOutcome::pass;
  facts.spf.term = "ip4:" + ip;
  facts.is_checked = true;
  facts.names = {{helo, true}};
  facts.helo_addresses = {address(ip)};
  return facts;
}

inline Facts sample_facts() {
  Facts facts{.subject = {.domain = domain("example.com"),
                          .is_carried = true,
                          .ways = {.leads_outside = true, .points = {}},
                          .signing_domain = domain("example.com"),
                          .is_in_store = true}};
  facts.addresses = {sample_address("192.0.2.1", "mx1.example.com"),
                     sample_address("192.0.2.2", "mx2.example.com")};
  facts.spf_texts.texts = {"v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 -all"};
  facts.whole_spf = align::SpfResult{};
  facts.policy.discovery = align::Discovery::found;
  facts.policy.domain = "example.com";
  facts.policy.policy = facts.policy.declared = align::DmarcPolicy::reject;
  facts.own_dmarc_texts.texts = {
      "v=DMARC1; p=reject; rua=mailto:a@example.com; ruf=mailto:f@example.com"};
  facts.dmarc_texts = facts.own_dmarc_texts;
  facts.destinations = {{.tag = "rua", .uri = "mailto:a@example.com", .host = "example.com"},
                        {.tag = "ruf", .uri = "mailto:f@example.com", .host = "example.com"}};
  facts.mail_hosts.records = {{10, "mx.example.com"}};
  facts.tls_rpt.texts = {"v=TLSRPTv1; rua=mailto:tls@example.com"};
  facts.mta_sts.texts = {"v=STSv1; id=20261128T0700"};
  return facts;
}

/// "LEVEL SUBJECT" of each finding, in order.
inline std::vector<std::string> brief(const Findings& findings) {
  std::vector<std::string> lines;
  for (const Finding& finding : findings)
    lines.push_back(std::string(name_of(finding.level)) + " " + finding.subject);
  return lines;
}

}  // namespace signet::audit
