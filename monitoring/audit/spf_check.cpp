#include <algorithm>

#include "keys/private_key.hpp"
#include "monitoring/audit/checks.hpp"
#include "monitoring/audit/records.hpp"

namespace signet::audit {
namespace {

using align::SpfOutcome;

std::string lookups_words(unsigned lookups) {
  return std::to_string(lookups) + " of " + std::to_string(align::SpfLimits().lookups) + " lookups";
}

bool is_missing(const AddressFacts& address) {
  return address.spf.outcome != SpfOutcome::pass && address.spf.outcome != SpfOutcome::temperror;
}

std::string words_of(const std::string& domain, const AddressFacts& address) {
  const std::string ip = address.point.address.to_string();
  switch (address.spf.outcome) {
    case SpfOutcome::pass:
      return "SPF of " + domain + " passes for " + ip + " by " + address.spf.term + " (" +
             lookups_words(address.spf.lookups) + ")";
    case SpfOutcome::none:
      return domain + " has no SPF record";
    case SpfOutcome::permerror:
      return "SPF of " + domain + " is in error: " + address.spf.reason;
    case SpfOutcome::temperror:
      return "SPF of " + domain + " can't be looked up: " + address.spf.reason;
    default:
      return "SPF of " + domain + " does not list " + ip + " (" +
             std::string(align::name_of(address.spf.outcome)) + ": " + address.spf.reason + ")";
  }
}

Level level_of(const AddressFacts& address) {
  if (address.spf.outcome == SpfOutcome::pass) return Level::ok;
  return is_missing(address) ? Level::fail : Level::unknown;
}

/// The record that lists what is missing now.
std::string record_line(const Facts& facts) {
  std::vector<IpAddress> missing;
  for (const AddressFacts& address : facts.addresses) {
    const bool is_known = std::ranges::find(missing, address.point.address) != missing.end();
    if (is_missing(address) && !is_known) missing.push_back(address.point.address);
  }
  return keys::txt_line(facts.subject.domain.text(), mended_spf(facts.spf_texts.texts, missing));
}

void add_ways(const Facts& facts, Findings& findings) {
  const Subject& subject = facts.subject;
  if (!subject.is_carried) {
    findings.push_back({.check = Check::spf,
                        .level = Level::note,
                        .words = "no client may send as " + subject.domain.text() +
                                 ": there is no address to look for"});
  } else if (!subject.ways.leads_outside) {
    findings.push_back({.check = Check::spf,
                        .level = Level::note,
                        .words = "no route leads outside: there is no address to look for"});
  } else if (subject.ways.some_address_unknown) {
    findings.push_back({.check = Check::spf,
                        .level = Level::warning,
                        .words = "some mail leaves from addresses that the configuration does not "
                                 "name: see [[pool]] addresses and spf_addresses of [[route]]"});
  }
}

void add_lookups(const Facts& facts, Findings& findings) {
  if (!facts.whole_spf || facts.whole_spf->lookups < kManyLookups) return;
  const unsigned limit = align::SpfLimits().lookups;
  const std::string domain = facts.subject.domain.text();
  findings.push_back(
      {.check = Check::spf,
       .level = Level::warning,
       .words = facts.whole_spf->lookups > limit
                    ? "SPF of " + domain + " needs more than " + std::to_string(limit) +
                          " lookups: what is listed behind them is an error (permerror)"
                    : "SPF of " + domain + " needs " + lookups_words(facts.whole_spf->lookups) +
                          ": one more include may be too many"});
}

}  // namespace

Findings check_spf(const Facts& facts) {
  Findings findings;
  add_ways(facts, findings);
  for (const AddressFacts& address : facts.addresses) {
    Finding& finding =
        findings.emplace_back(Finding{.check = Check::spf,
                                      .level = level_of(address),
                                      .subject = address.point.address.to_string(),
                                      .words = words_of(facts.subject.domain.text(), address)});
    // What is there must be known, or the record would lose terms.
    if (is_missing(address) && facts.spf_texts.error.empty())
      finding.publish.push_back(record_line(facts));
  }
  add_lookups(facts, findings);
  return findings;
}

}  // namespace signet::audit
