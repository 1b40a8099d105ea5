// `signet keys`: its subcommands and their options.
#include <CLI/CLI.hpp>
#include <memory>

#include "relay/commands.hpp"

namespace signet::commands {
namespace {

void add_new(CLI::App& keys, int& status) {
  auto* command = keys.add_subcommand(
      "new", "Make a key and print its DNS record; an existing one is left as it is");
  auto options = std::make_shared<NewKeyOptions>();
  command->add_option("domain", options->domain, "Domain that will sign")->required();
  auto* place = command->add_option_group("place");
  place->add_option("--config", options->config, "Configuration file (names the store)");
  place->add_option("--store", options->store, "Store directory");
  place->require_option(1);
  command->add_option("--selector", options->selector,
                      "Selector (default: one with a CNAME, or made from the date)");
  command->add_option("--algorithm", options->algorithm, "rsa (2048 bits) or ed25519")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &status] { status = new_key(*options); });
}

void add_key_order(CLI::App& keys, int& status, KeyVerb verb, const char* name,
                   const char* description) {
  auto* command = keys.add_subcommand(name, description);
  auto order = std::make_shared<KeyOrder>();
  order->verb = verb;
  auto* domain = command->add_option("domain", order->domain, "Signing domain");
  const bool names_key = verb == KeyVerb::publish || verb == KeyVerb::activate ||
                         verb == KeyVerb::retire || verb == KeyVerb::revoke;
  if (verb != KeyVerb::list && verb != KeyVerb::rotate) domain->required();
  if (names_key) command->add_option("selector", order->selector, "Selector")->required();
  auto* place = command->add_option_group("place");
  place->add_option("--config", order->config, "Configuration file (store, publisher, proof)");
  place->add_option("--store", order->store, "Store directory: records are published by hand");
  place->require_option(1);
  if (verb == KeyVerb::activate)
    command->add_flag("--unproven", order->unproven, "Do not ask the DNS first");
  if (verb == KeyVerb::rotate) {
    auto* all = command->add_flag("--all")->description("Every domain of the store");
    all->excludes(domain);
    auto* dry = command->add_flag("--dry-run", order->dry_run, "Show when each domain rotates");
    all->needs(dry);
  }
  command->add_flag("--json", order->json, "Print JSON");
  command->callback([order, &status] { status = order_key(*order); });
}

void add_key_orders(CLI::App& keys, int& status) {
  add_key_order(keys, status, KeyVerb::list, "list", "Keys and their states");
  add_key_order(keys, status, KeyVerb::show, "show", "A domain's keys with their DNS records");
  add_key_order(keys, status, KeyVerb::publish, "publish", "Have a key's record published");
  add_key_order(keys, status, KeyVerb::activate, "activate",
                "Sign with a key that the DNS proves; the one before retires");
  add_key_order(keys, status, KeyVerb::rotate, "rotate", "Begin a rotation: make the next key");
  add_key_order(keys, status, KeyVerb::retire, "retire", "Sign no more; the record stays");
  add_key_order(keys, status, KeyVerb::revoke, "revoke", "Sign no more and empty the record");
}

void add_import(CLI::App& keys, int& status) {
  auto* command = keys.add_subcommand(
      "import", "Take the keys of OpenDKIM, rspamd or a PEM file; says what will sign what");
  auto order = std::make_shared<ImportOrder>();
  command->add_option("source", order->source, "opendkim, rspamd or pem")
      ->required()
      ->check(CLI::IsMember({"opendkim", "rspamd", "pem"}));
  command->add_option("file", order->file, "opendkim.conf, dkim_signing.conf or the key")
      ->required();
  auto* place = command->add_option_group("place");
  place->add_option("--config", order->config, "Configuration file (names the store)");
  place->add_option("--store", order->store, "Store directory");
  place->require_option(1);
  command->add_option("--domain", order->domains,
                      "Domain that sends: for patterns that cover more than one; of the PEM");
  command->add_option("--selector", order->selector, "Selector of the PEM");
  command->add_option("--zone", order->zone, "Zone file with the PEM's record: says the selector");
  command->add_option("--legacy-until", order->legacy_until,
                      "Let RSA keys below 2048 bits sign until this date");
  command->add_flag("--partial", order->partial, "Import what is not refused");
  command->add_flag("--dry-run", order->dry_run, "Change nothing");
  command->add_flag("--json", order->json, "Print JSON");
  command->callback([order, &status] { status = import_keys(*order); });
}

void add_export(CLI::App& keys, int& status) {
  auto* command = keys.add_subcommand(
      "export", "Write the keys that sign, with settings, for OpenDKIM or rspamd");
  auto order = std::make_shared<ExportOrder>();
  command->add_option("format", order->format, "opendkim or rspamd")
      ->required()
      ->check(CLI::IsMember({"opendkim", "rspamd"}));
  command->add_option("directory", order->directory, "New folder")->required();
  command->add_option("domain", order->domain, "Signing domain (default: every one)");
  auto* place = command->add_option_group("place");
  place->add_option("--config", order->config, "Configuration file (names store and parents)");
  place->add_option("--store", order->store, "Store directory");
  place->require_option(1);
  command->add_flag("--json", order->json, "Print JSON");
  command->callback([order, &status] { status = export_keys(*order); });
}

}  // namespace

void add_key_commands(CLI::App& app, int& status) {
  auto& keys = *app.add_subcommand("keys", "Signing keys");
  keys.require_subcommand(1);
  add_new(keys, status);
  add_key_orders(keys, status);
  add_import(keys, status);
  add_export(keys, status);
}

}  // namespace signet::commands
