// `signet doctor`: does the DNS hold what mail from our domains needs, and what to publish if not.
//
//   text   one line for each finding:  RESULT CHECK [SUBJECT]: WORDS[; publish: RECORD]
//   JSON   {"result": R, "domains": [{"domain": D, "result": R, "checks": {CHECK: R, …},
//           "findings": [{"check": CHECK, "result": R, "subject": S, "words": W,
//           "publish": [RECORD, …]}, …]}, …]}
//   R is ok, note, warning, unknown or fail; RECORD is a line of a zone file.
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "keys/domain_store.hpp"
#include "monitoring/audit/checks.hpp"
#include "monitoring/audit/survey.hpp"
#include "relay/commands.hpp"
#include "relay/resolver_settings.hpp"

namespace signet::commands {
namespace {

using audit::Findings;
using audit::Level;
using nlohmann::json;

struct Diagnosis {
  Domain domain;
  Findings findings;
};

int complain(const std::string& what) {
  std::fprintf(stderr, "signet: %s\n", what.c_str());
  return 2;
}

/// Every domain of the store and of the settings.
Result<std::vector<Domain>> configured_domains(const config::Settings& settings) {
  const SystemClock clock;
  net::BlockingPool pool(1);
  auto domains = keys::DomainStore({.directory = settings.store}, pool, clock).list();
  if (!domains) return domains;
  const auto named = audit::named_domains(settings);
  domains->insert(domains->end(), named.begin(), named.end());
  std::ranges::sort(*domains);
  domains->erase(std::ranges::unique(*domains).begin(), domains->end());
  return domains;
}

/// Faults: bad_parameter, not_found.
Result<std::vector<Domain>> chosen_domains(const std::vector<std::string>& texts,
                                           const std::vector<Domain>& configured) {
  if (texts.empty()) return configured;
  std::vector<Domain> chosen;
  for (const std::string& text : texts) {
    auto domain = Domain::parse(text);
    if (!domain) return fail(Fault::bad_parameter, "'" + text + "' is no domain name");
    if (!std::ranges::binary_search(configured, *domain)) {
      return fail(Fault::not_found, domain->text() +
                                        " is not configured: it has no key in the store, and no "
                                        "client names it");
    }
    chosen.push_back(std::move(*domain));
  }
  return chosen;
}

net::Task<void> diagnose(net::Resolver& resolver, net::Loop& loop, const Clock& clock,
                         const config::Settings& settings, std::vector<Domain> domains,
                         std::vector<Diagnosis>& into) {
  for (Domain& domain : domains) {
    const audit::Facts facts = co_await audit::survey(resolver, loop, clock, nullptr,
                                                      audit::read_subject(settings, domain));
    into.push_back({std::move(domain), audit::check_all(facts)});
  }
  loop.stop();
}

json describe(const audit::Finding& finding) {
  return {{"check", name_of(finding.check)},
          {"result", name_of(finding.level)},
          {"subject", finding.subject},
          {"words", finding.words},
          {"publish", finding.publish}};
}

json describe(const Diagnosis& diagnosis) {
  json checks = json::object();
  for (std::size_t i = 0; i < audit::kChecks; ++i) {
    const auto check = static_cast<audit::Check>(i);
    checks[std::string(name_of(check))] = name_of(audit::worst(diagnosis.findings, check));
  }
  json findings = json::array();
  for (const audit::Finding& finding : diagnosis.findings) findings.push_back(describe(finding));
  return {{"domain", diagnosis.domain.text()},
          {"result", name_of(audit::worst(diagnosis.findings))},
          {"checks", std::move(checks)},
          {"findings", std::move(findings)}};
}

std::string line_of(const audit::Finding& finding) {
  std::string line(name_of(finding.level));
  line.append(" ").append(name_of(finding.check));
  if (!finding.subject.empty()) line.append(" ").append(finding.subject);
  line.append(": ").append(finding.words);
  for (const std::string& record : finding.publish) line.append("; publish: ").append(record);
  return line;
}

Level worst_of(const std::vector<Diagnosis>& diagnoses) {
  Level level = Level::ok;
  for (const Diagnosis& each : diagnoses) level = std::max(level, audit::worst(each.findings));
  return level;
}

void print_json(const std::vector<Diagnosis>& diagnoses) {
  json domains = json::array();
  for (const Diagnosis& diagnosis : diagnoses) domains.push_back(describe(diagnosis));
  const json told{{"result", name_of(worst_of(diagnoses))}, {"domains", std::move(domains)}};
  std::printf("%s\n", told.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
}

void print_text(const std::vector<Diagnosis>& diagnoses) {
  for (const Diagnosis& diagnosis : diagnoses) {
    std::printf("%s: %s\n", diagnosis.domain.text().c_str(),
                std::string(name_of(audit::worst(diagnosis.findings))).c_str());
    for (const audit::Finding& finding : diagnosis.findings)
      std::printf("  %s\n", line_of(finding).c_str());
  }
}

}  // namespace

int doctor(const DoctorOptions& options) {
  const auto settings = load_or_complain(options.config);
  if (!settings) return 2;
  const auto configured = configured_domains(*settings);
  if (!configured) return complain("store: " + configured.error().detail);
  auto domains = chosen_domains(options.domains, *configured);
  if (!domains) return complain(domains.error().detail);
  if (domains->empty()) return complain("no domain is configured");
  net::Loop loop;
  const auto resolver = net::make_resolver(to_resolver_settings(settings->resolver));
  if (!resolver) return complain(resolver.error().detail);
  const SystemClock clock;
  std::vector<Diagnosis> diagnoses;
  net::TaskScope scope;
  scope.spawn(diagnose(**resolver, loop, clock, *settings, std::move(*domains), diagnoses));
  loop.run();
  options.json ? print_json(diagnoses) : print_text(diagnoses);
  return worst_of(diagnoses) < Level::unknown ? 0 : 1;
}

}  // namespace signet::commands
