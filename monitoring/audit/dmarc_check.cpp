// The DMARC record and where its reports go.
#include <algorithm>

#include "keys/private_key.hpp"
#include "monitoring/audit/checks.hpp"
#include "monitoring/audit/records.hpp"

namespace signet::audit {
namespace {

using align::Discovery;
using align::DmarcRecord;

std::size_t count_records(const align::Texts& texts) {
  return static_cast<std::size_t>(std::ranges::count_if(texts.texts, [](const std::string& text) {
    return align::parse_dmarc_record(text).has_value();
  }));
}

/// The record that mends what is at the DMARC Policy Domain, or makes one for the domain itself.
std::string record_line(const Facts& facts) {
  const bool is_found = facts.policy.discovery == Discovery::found;
  const std::string& domain = is_found ? facts.policy.domain : facts.subject.domain.text();
  const auto& texts = is_found ? facts.dmarc_texts : facts.own_dmarc_texts;
  return keys::txt_line("_dmarc." + domain, mended_dmarc(texts.texts, domain));
}

/// The same with a policy that BIMI takes, without t=.
std::string bimi_policy_line(const Facts& facts) {
  const bool is_found = facts.policy.discovery == Discovery::found;
  const std::string& domain = is_found ? facts.policy.domain : facts.subject.domain.text();
  const auto& texts = is_found ? facts.dmarc_texts : facts.own_dmarc_texts;
  return keys::txt_line("_dmarc." + domain, with_policy(mended_dmarc(texts.texts, domain),
                                                        align::DmarcPolicy::quarantine));
}

Finding no_record(const Facts& facts) {
  const std::string name = "_dmarc." + facts.subject.domain.text();
  const auto& texts = facts.own_dmarc_texts.texts;
  std::string words = facts.subject.domain.text() + " has no DMARC record";
  if (count_records(facts.own_dmarc_texts) > 1) {
    words = name + " has several DMARC records: all of them are discarded";
  } else if (!texts.empty()) {
    words = "what is at " + name + " is no DMARC record: it must begin with v=DMARC1;";
  }
  return {.check = Check::dmarc,
          .level = Level::fail,
          .subject = name,
          .words = std::move(words),
          .publish = {record_line(facts)}};
}

/// What is wrong in the record that counts; it is there.
void add_problems(const Facts& facts, const DmarcRecord& record, Findings& findings) {
  const std::string name = "_dmarc." + facts.policy.domain;
  for (const std::string& problem : record.problems) {
    findings.push_back({.check = Check::dmarc,
                        .level = record.policy_is_valid ? Level::warning : Level::fail,
                        .subject = name,
                        .words = problem,
                        .publish = {record_line(facts)}});
  }
}

std::string policy_words(const align::AppliedPolicy& policy) {
  std::string declared(align::name_of(policy.declared));
  if (policy.policy == policy.declared) return declared;
  return declared + ", lowered to " + std::string(align::name_of(policy.policy)) + " by t=y";
}

void add_several(const Facts& facts, Findings& findings) {
  if (count_records(facts.own_dmarc_texts) < 2) return;
  const std::string name = "_dmarc." + facts.subject.domain.text();
  findings.push_back(
      {.check = Check::dmarc,
       .level = Level::fail,
       .subject = name,
       .words = name + " has several DMARC records: all of them are discarded",
       .publish = {keys::txt_line(
           name, mended_dmarc(facts.own_dmarc_texts.texts, facts.subject.domain.text()))}});
}

Finding judge_destination(const Facts& facts, const Destination& to) {
  Finding finding{.check = Check::reports, .subject = to.uri};
  if (to.host.empty()) {
    finding.level = Level::note;
    finding.words = to.tag + "= names no mailto: URI; few receivers send reports there";
  } else if (!to.is_external) {
    finding.words = to.tag + "= stays within the domain";
  } else if (!to.error.empty()) {
    finding.level = Level::unknown;
    finding.words = to.name + " can't be looked up: " + to.error;
  } else if (std::ranges::any_of(to.texts, [](const std::string& text) {
               return align::parse_dmarc_record(text).has_value();
             })) {
    finding.words = to.host + " takes reports for " + facts.policy.domain;
  } else {
    finding.level = Level::fail;
    finding.words = to.host + " does not say that it takes reports for " + facts.policy.domain +
                    ": none are sent there until whoever runs it publishes this";
    finding.publish.push_back(keys::txt_line(to.name, "v=DMARC1"));
  }
  return finding;
}

bool has_destination(const Facts& facts, std::string_view tag) {
  return std::ranges::find(facts.destinations, tag, &Destination::tag) != facts.destinations.end();
}

}  // namespace

Findings check_dmarc(const Facts& facts) {
  if (facts.policy.discovery == Discovery::unknown) {
    return {{.check = Check::dmarc,
             .level = Level::unknown,
             .words = "the DMARC record can't be looked up: " + facts.policy_error}};
  }
  if (facts.policy.discovery == Discovery::no_record) return {no_record(facts)};
  Findings findings;
  add_several(facts, findings);
  const auto record = align::select_dmarc_record(facts.dmarc_texts.texts);
  if (record) add_problems(facts, *record, findings);
  const bool asks_nothing = facts.policy.policy == align::DmarcPolicy::none;
  findings.push_back({.check = Check::dmarc,
                      .level = asks_nothing ? Level::note : Level::ok,
                      .subject = "_dmarc." + facts.policy.domain,
                      .words = "the policy for " + facts.subject.domain.text() + " is " +
                               policy_words(facts.policy) +
                               (asks_nothing ? ": receivers let forged mail pass" : "")});
  return findings;
}

Findings check_reports(const Facts& facts) {
  if (facts.policy.discovery == Discovery::unknown)
    return {{.check = Check::reports,
             .level = Level::unknown,
             .words = "the DMARC record can't be looked up: " + facts.policy_error}};
  if (facts.policy.discovery == Discovery::no_record)
    return {{.check = Check::reports,
             .level = Level::note,
             .words = "without a DMARC record nobody sends reports"}};
  Findings findings;
  for (const Destination& destination : facts.destinations)
    findings.push_back(judge_destination(facts, destination));
  const std::string name = "_dmarc." + facts.policy.domain;
  if (!has_destination(facts, "rua"))
    findings.push_back({.check = Check::reports,
                        .level = Level::warning,
                        .subject = name,
                        .words = "rua= is missing: nobody hears what receivers see",
                        .publish = {record_line(facts)}});
  if (!has_destination(facts, "ruf"))
    findings.push_back({.check = Check::reports,
                        .level = Level::note,
                        .subject = name,
                        .words = "ruf= is missing: there are no reports of single failures"});
  return findings;
}

Findings check_bimi(const Facts& facts) {
  const std::string name = "default._bimi." + facts.subject.domain.text();
  Finding finding{.check = Check::bimi, .subject = name};
  const bool is_there = std::ranges::any_of(
      facts.bimi.texts, [](const std::string& text) { return text.starts_with("v=BIMI1"); });
  if (!facts.bimi.error.empty() || facts.policy.discovery == Discovery::unknown) {
    finding.level = Level::unknown;
    finding.words = "BIMI can't be looked up";
  } else if (facts.policy.policy == align::DmarcPolicy::none) {
    finding.level = is_there ? Level::fail : Level::note;
    finding.words = is_there ? "the BIMI record counts for nothing: DMARC must ask for quarantine "
                               "or reject, without t=y"
                             : "BIMI needs a DMARC policy of quarantine or reject";
    finding.publish.push_back(bimi_policy_line(facts));
  } else {
    finding.words = is_there ? "the DMARC policy is what BIMI needs"
                             : "the DMARC policy is what BIMI needs; there is no BIMI record";
  }
  return {std::move(finding)};
}

}  // namespace signet::audit
