#include "relay/key_parts.hpp"

#include <unistd.h>

#include <cstdio>

#include "keys/domain_store.hpp"
#include "relay/commands.hpp"
#include "relay/key_json.hpp"
#include "relay/net/loop.hpp"

namespace signet::commands {

int complain_of(const Error& error) {
  std::fprintf(stderr, "signet: %s\n", error.detail.c_str());
  const bool refused = error.fault == Fault::not_found || error.fault == Fault::key_state_wrong ||
                       error.fault == Fault::bad_parameter || error.fault == Fault::no_active_key;
  return refused ? kKeysRefused : kKeysBroken;
}

std::shared_ptr<const config::Settings> key_settings(const std::filesystem::path& file,
                                                     const std::filesystem::path& store) {
  if (!file.empty()) return load_or_complain(file);
  config::Settings settings;
  settings.store = store;
  settings.store_allow_group = true;
  return std::make_shared<const config::Settings>(std::move(settings));
}

Result<std::vector<Domain>> domains_of(const std::string& name, const config::Settings& settings) {
  if (!name.empty()) {
    auto domain = Domain::parse(name);
    if (!domain) return fail(Fault::bad_parameter, "'" + name + "' is no domain name");
    return std::vector{std::move(*domain)};
  }
  const SystemClock clock;
  net::BlockingPool pool(1);
  return keys::DomainStore({.directory = settings.store}, pool, clock).list();
}

std::string who() { return "uid " + std::to_string(geteuid()) + " (command line)"; }

KeyAudit::KeyAudit(const config::Settings& settings) {
  const auto& file = settings.monitoring.delivery_log;
  if (file.empty() || file == "-") return;
  auto log = report::DeliveryLog::open(file);
  if (log) {
    log_ = std::move(*log);
  } else {
    std::fprintf(stderr, "signet: not in the audit log: %s\n", log.error().detail.c_str());
  }
}

void KeyAudit::moved(const Domain& domain, const keys::KeyEntry& key, keys::KeyState from) {
  if (!log_) return;
  log_->write(key_fact(domain, key, from, SystemClock().now()));
}

void KeyAudit::deed(const Domain& domain, const std::string& selector, std::string_view deed,
                    std::string_view reason) {
  if (!log_) return;
  log_->write(report::Fact("key_" + std::string(deed), SystemClock().now())
                  .with("domain", domain.text())
                  .with("selector", selector)
                  .with("reason", reason)
                  .with("by", who()));
}

}  // namespace signet::commands
