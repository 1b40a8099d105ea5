// `signet keys import | export`: to and from other signers.
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "keys/export_keys.hpp"
#include "keys/import_keys.hpp"
#include "keys/key_zone.hpp"
#include "keys/opendkim_import.hpp"
#include "keys/rspamd_import.hpp"
#include "relay/admin/terminal.hpp"
#include "relay/align/public_suffix.hpp"
#include "relay/commands.hpp"
#include "relay/key_parts.hpp"
#include "relay/rotation_parts.hpp"

namespace signet::commands {
namespace {

using nlohmann::json;

Result<std::vector<Domain>> parse_domains(const std::vector<std::string>& names) {
  std::vector<Domain> domains;
  for (const auto& name : names) {
    auto domain = Domain::parse(name);
    if (!domain) return fail(Fault::bad_parameter, "'" + name + "' is no domain name");
    domains.push_back(std::move(*domain));
  }
  return domains;
}

/// One key file. Its selector is given, or the record in a zone file says it: what opendkim-genkey
/// writes beside the key, or dkim-rotate's zone.
Result<keys::ImportRules> read_pem(const ImportOrder& order, const std::vector<Domain>& named) {
  if (named.size() != 1) return fail(Fault::bad_parameter, "a PEM file needs one --domain");
  std::string selector = order.selector;
  if (!order.zone.empty()) {
    auto found = keys::find_selector(order.zone, order.file, named.front());
    if (!found) return found.failure();
    if (!selector.empty() && selector != *found)
      return fail(Fault::bad_parameter,
                  order.zone.string() + " has this key at selector " + *found);
    selector = std::move(*found);
  }
  if (selector.empty()) return fail(Fault::bad_parameter, "a PEM file needs --selector or --zone");
  return keys::ImportRules{.rules = {{named.front(), {{named.front(), selector, order.file}}}}};
}

Result<keys::ImportRules> read_rules(const ImportOrder& order) {
  const auto named = parse_domains(order.domains);
  if (!named) return named.failure();
  if (order.source == "opendkim") return keys::read_opendkim(order.file, *named);
  if (order.source == "pem") return read_pem(order, *named);
  const align::PublicSuffixes suffixes;
  return keys::read_rspamd(order.file, *named, [&](const Domain& domain) {
    auto folded = Domain::parse(suffixes.organizational_domain(domain.text()));
    return folded ? std::move(*folded) : domain;
  });
}

json describe(const keys::ImportPlan& plan) {
  json signs = json::array();
  for (const auto& rule : plan.rules) {
    for (const auto& key : rule.keys)
      signs.push_back({{"author", rule.author.text()},
                       {"domain", key.domain.text()},
                       {"selector", key.selector}});
  }
  json keys = json::array();
  for (const auto& key : plan.keys)
    keys.push_back({{"domain", key.domain.text()},
                    {"selector", key.selector},
                    {"algorithm", keys::name_of(key.key.algorithm())},
                    {"bits", key.key.bits()},
                    {"file", key.file.string()},
                    {"legacy", key.is_legacy},
                    {"in_store", key.is_there}});
  json parents = json::object();
  for (const auto& [author, domain] : plan.parents) parents[author.text()] = domain.text();
  return {{"signs", signs},
          {"keys", keys},
          {"parents", parents},
          {"refused", plan.refusals},
          {"notes", plan.notes}};
}

void print_text(const keys::ImportPlan& plan) {
  for (const auto& rule : plan.rules)
    for (const auto& key : rule.keys)
      std::printf("%s\td=%s\ts=%s\t%s\n", rule.author.text().c_str(), key.domain.text().c_str(),
                  key.selector.c_str(), key.file.c_str());
  for (const auto& note : plan.notes) std::fprintf(stderr, "note: %s\n", note.c_str());
  for (const auto& refusal : plan.refusals) std::fprintf(stderr, "refused: %s\n", refusal.c_str());
}

void print_parents(const keys::ImportPlan& plan) {
  if (plan.parents.empty()) return;
  std::printf("\n# For the configuration:\n[signing.parents]\n");
  for (const auto& [author, domain] : plan.parents)
    std::printf("\"%s\" = \"%s\"\n", author.text().c_str(), domain.text().c_str());
}

keys::ImportPlan plan_with_bar(keys::ImportRules rules, keys::ImportOptions options) {
  std::optional<admin::Progress> progress;
  options.on_planned = [&progress](std::size_t done, std::size_t all) {
    if (!progress) progress.emplace("look", all);
    progress->reach(done);
  };
  return keys::plan_import(std::move(rules), options);
}

}  // namespace

int import_keys(const ImportOrder& order) {
  const auto settings = key_settings(order.config, order.store);
  if (!settings) return kKeysBroken;
  const auto legacy_until = keys::parse_legacy_end(order.legacy_until, SystemClock().now());
  if (!legacy_until) return complain_of(legacy_until.error());
  auto rules = read_rules(order);
  if (!rules) return complain_of(rules.error());
  const std::string place = order.config.empty() ? "--store " + order.store.string()
                                                 : "--config " + order.config.string();
  const keys::ImportOptions options{.store = store_access(*settings),
                                    .legacy_until = *legacy_until,
                                    .replace_with = "signet keys new " + place};
  const auto plan = plan_with_bar(std::move(*rules), options);
  const bool is_refused = !plan.refusals.empty() && !order.partial;
  const bool imports = !order.dry_run && !is_refused;
  json said = describe(plan);
  said["imported"] = imports;
  if (order.json) {
    std::printf("%s\n", said.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
  } else {
    print_text(plan);
    print_parents(plan);
  }
  if (imports) {
    KeyAudit audit(*settings);
    admin::Progress progress("import", plan.keys.size());
    std::size_t taken = 0;
    const auto done = keys::apply_import(
        plan, options,
        {.at = SystemClock().now(), .reason = "imported from " + order.source, .by = who()},
        [&](const Domain& domain, const keys::KeyEntry& key) {
          audit.moved(domain, key, key.state);
          progress.reach(++taken, domain.text());
        });
    if (!done) return complain_of(done.error());
  } else if (is_refused && !order.dry_run) {
    std::fprintf(stderr, "signet: nothing was imported; --partial imports what is not refused\n");
  }
  if (plan.keys.empty() && plan.refusals.empty())
    return complain_of({Fault::not_found, order.file.string() + " names no key that signs"});
  return plan.refusals.empty() ? 0 : kKeysRefused;
}

int export_keys(const ExportOrder& order) {
  const auto settings = key_settings(order.config, order.store);
  if (!settings) return kKeysBroken;
  const auto names = domains_of(order.domain, *settings);
  if (!names) return complain_of(names.error());
  const WallTime now = SystemClock().now();
  std::vector<std::shared_ptr<const keys::SigningDomain>> domains;
  int status = 0;
  for (const Domain& name : *names) {
    auto domain = keys::read_domain(settings->store, name, settings->store_allow_group, now);
    if (domain)
      domains.push_back(std::move(*domain));
    else
      status = complain_of(domain.error());
  }
  if (domains.empty()) return status != 0 ? status : kKeysRefused;
  const auto format =
      order.format == "opendkim" ? keys::ExportFormat::opendkim : keys::ExportFormat::rspamd;
  const auto done = keys::export_keys(domains, settings->signing.parents, format, order.directory);
  if (!done) return complain_of(done.error());
  KeyAudit audit(*settings);
  json exported = json::array();
  for (const auto& key : done->written) {
    audit.deed(key.domain, key.selector, "exported", "for " + order.format);
    exported.push_back({{"domain", key.domain.text()}, {"selector", key.selector}});
    if (!order.json) std::printf("%s\t%s\n", key.domain.text().c_str(), key.selector.c_str());
  }
  for (const auto& key : done->left_out)
    std::fprintf(stderr,
                 "note: %s\t%s is not exported: these settings of %s have one key for a domain\n",
                 key.domain.text().c_str(), key.selector.c_str(), order.format.c_str());
  if (order.json)
    std::printf("%s\n", json{{"directory", order.directory.string()}, {"keys", exported}}
                            .dump(-1, ' ', false, json::error_handler_t::replace)
                            .c_str());
  return status;
}

}  // namespace signet::commands
