// `signet dmarc`: what receivers make of given results, by RFC 9989 and by the public suffix list.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "relay/align/dmarc.hpp"
#include "relay/commands.hpp"

namespace signet::commands {
namespace {

using align::Alignment;
using align::Discovery;

struct Identifier {
  std::string method;
  Domain domain;
  std::string result;
  align::Walk walk = {};
  Alignment alignment = Alignment::unknown;
  Alignment by_list = Alignment::unknown;
};

struct Report {
  align::Walk author;
  align::AppliedPolicy policy;
  align::AppliedPolicy by_list;
};

Result<Identifier> parse_identifier(std::string method, const std::string& text) {
  const auto equals = text.rfind('=');
  if (equals == std::string::npos || equals + 1 == text.size())
    return fail(Fault::bad_parameter, "not DOMAIN=RESULT: " + text);
  auto domain = Domain::parse(text.substr(0, equals));
  if (!domain) return domain.failure();
  return Identifier{std::move(method), std::move(*domain), text.substr(equals + 1)};
}

net::Task<void> look_up(net::Resolver& resolver, net::Loop& loop,
                        const align::PublicSuffixes& suffixes, Domain author,
                        std::vector<Identifier>& identifiers, Report& report) {
  report.author = co_await align::walk(resolver, loop, author);
  std::optional<bool> exists;
  if (align::needs_existence(report.author)) {
    const auto answer = co_await resolver.resolve(loop, author.text(), net::RecordType::txt);
    if (answer) exists = answer->exists;
  }
  report.policy = align::applied_policy(report.author, exists);
  const std::string top = suffixes.organizational_domain(author.text());
  auto at_top = co_await align::ask_dmarc_record(resolver, loop, top);
  if (at_top) report.by_list = align::applied_policy_by_list(report.author, top, at_top->record);
  for (Identifier& each : identifiers) {
    each.walk = co_await align::walk(resolver, loop, each.domain);
    const bool is_spf = each.method == "spf";
    each.alignment = align::identifier_alignment(is_spf ? report.policy.aspf : report.policy.adkim,
                                                 report.author, each.walk);
    each.by_list =
        align::identifier_alignment_by_list(is_spf ? report.by_list.aspf : report.by_list.adkim,
                                            suffixes, author.text(), each.domain.text());
  }
  loop.stop();
}

std::string_view result_of(const std::vector<Identifier>& identifiers,
                           const align::AppliedPolicy& policy, Alignment Identifier::* alignment) {
  if (policy.discovery == Discovery::unknown) return "temperror";
  if (policy.discovery == Discovery::no_record) return "none";
  bool is_unknown = false;
  for (const Identifier& each : identifiers) {
    if (each.result == "pass" && each.*alignment == Alignment::aligned) return "pass";
    is_unknown |= each.result == "temperror" && each.*alignment != Alignment::unaligned;
    is_unknown |= each.result == "pass" && each.*alignment == Alignment::unknown;
  }
  return is_unknown ? "temperror" : "fail";
}

std::string_view word(Alignment alignment) {
  if (alignment == Alignment::unknown) return "unknown";
  return alignment == Alignment::aligned ? "aligned" : "unaligned";
}

nlohmann::json describe(std::string_view result, const align::AppliedPolicy& policy,
                        const std::optional<std::string>& organization) {
  nlohmann::json told{{"result", result}};
  if (organization) told["organizational_domain"] = *organization;
  if (policy.discovery != Discovery::found) return told;
  told["domain"] = policy.domain;
  told["policy"] = align::name_of(policy.policy);
  told["declared"] = align::name_of(policy.declared);
  told["adkim"] = policy.adkim == align::AlignmentMode::strict ? "s" : "r";
  told["aspf"] = policy.aspf == align::AlignmentMode::strict ? "s" : "r";
  return told;
}

nlohmann::json problems_of(const Report& report) {
  auto problems = nlohmann::json::array();
  if (const auto* step = align::step_at(report.author, report.policy.domain); step && step->record)
    for (const std::string& problem : step->record->problems)
      problems.push_back("_dmarc." + step->domain + ": " + problem);
  if (report.author.failed()) problems.push_back(report.author.error);
  return problems;
}

void print(const nlohmann::json& told) {
  std::printf("%s\n", told["result"].get<std::string>().c_str());
  const auto line = [](const char* title, const nlohmann::json& value) {
    if (!value.is_null()) std::printf("  %-22s %s\n", title, value.get<std::string>().c_str());
  };
  line("policy", told.value("policy", nlohmann::json()));
  line("found at", told.value("domain", nlohmann::json()));
  line("organizational domain", told.value("organizational_domain", nlohmann::json()));
  for (const auto& each : told["identifiers"]) {
    const std::string text = each["domain"].get<std::string>() + " " +
                             each["result"].get<std::string>() + ", " +
                             each["alignment"].get<std::string>();
    line(each["method"].get<std::string>().c_str(), text);
  }
  line("by public suffix list", told["by_list"]["result"]);
  for (const auto& problem : told["problems"]) line("note", problem);
}

nlohmann::json tell(const Report& report, const std::vector<Identifier>& identifiers,
                    const align::PublicSuffixes& suffixes) {
  const auto walked = result_of(identifiers, report.policy, &Identifier::alignment);
  const auto listed = result_of(identifiers, report.by_list, &Identifier::by_list);
  auto told = describe(walked, report.policy, align::organizational_domain(report.author));
  told["by_list"] =
      describe(listed, report.by_list, suffixes.organizational_domain(report.author.start()));
  told["worlds_differ"] = walked != listed || report.policy.policy != report.by_list.policy;
  told["identifiers"] = nlohmann::json::array();
  for (const Identifier& each : identifiers) {
    told["identifiers"].push_back({{"method", each.method},
                                   {"domain", each.domain.text()},
                                   {"result", each.result},
                                   {"alignment", word(each.alignment)},
                                   {"by_list", word(each.by_list)}});
  }
  told["problems"] = problems_of(report);
  return told;
}

int complain(const Error& error) {
  std::fprintf(stderr, "signet: %s: %s\n", error.public_text().c_str(), error.detail.c_str());
  return 64;  // EX_USAGE of sysexits.h.
}

}  // namespace

int dmarc(const DmarcOptions& options) {
  const auto author = Domain::parse(options.from);
  if (!author) return complain(author.error());
  std::vector<Identifier> identifiers;
  for (const auto& [method, list] : {std::pair("spf", &options.spf), {"dkim", &options.dkim}}) {
    for (const std::string& text : *list) {
      auto identifier = parse_identifier(method, text);
      if (!identifier) return complain(identifier.error());
      identifiers.push_back(std::move(*identifier));
    }
  }
  net::ResolverSettings settings;
  if (options.dns) {
    settings.mode = net::ResolverSettings::Mode::servers;
    settings.servers = {*options.dns};
  }
  net::Loop loop;
  const auto resolver = net::make_resolver(settings);
  if (!resolver) return complain(resolver.error());
  const align::PublicSuffixes suffixes;
  Report report;
  net::TaskScope scope;
  scope.spawn(look_up(**resolver, loop, suffixes, *author, identifiers, report));
  if (scope.size() > 0) loop.run();
  const auto told = tell(report, identifiers, suffixes);
  if (options.json) {
    std::printf("%s\n", told.dump().c_str());
  } else {
    print(told);
  }
  const auto result = told["result"].get<std::string>();
  return result == "pass" || result == "none" ? 0 : 1;
}

}  // namespace signet::commands
