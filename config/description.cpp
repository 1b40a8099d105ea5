#include "config/description.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace signet::config {
namespace {

std::string text(const std::string& value) { return value; }
std::string text(const std::filesystem::path& value) { return value.string(); }
std::string text(bool value) { return value ? "true" : "false"; }
std::string text(std::uint32_t value) { return std::to_string(value); }
std::string text(std::uint64_t value) { return std::to_string(value); }
std::string text(std::uint16_t value) { return std::to_string(value); }
std::string text(double value) { return std::to_string(value); }
std::string text(seconds value) { return std::to_string(value.count()) + "s"; }
std::string text(milliseconds value) { return std::to_string(value.count()) + "ms"; }
std::string text(const Domain& value) { return value.text(); }
std::string text(const IpNetwork& value) { return value.to_string(); }
std::string text(const Endpoint& value) { return value.to_string(); }
std::string text(AlignmentPolicy value) { return std::string(name_of(value)); }
std::string text(minutes value) { return std::to_string(value.count()) + "min"; }
std::string text(const std::pair<minutes, minutes>& value) {
  return text(value.first) + " to " + text(value.second);
}
std::string text(const EgressAddress& value) {
  return value.bind.to_string() + " as " + value.public_address.to_string() + " (" + value.helo +
         ", weight " + std::to_string(value.weight) + ")";
}
template <typename T>
std::string text(const std::optional<T>& value) {
  return value ? text(*value) : std::string("none");
}
template <typename List>
  requires requires(const List& list) { list.begin(); }
std::string text(const List& list) {
  std::string joined;
  for (const auto& each : list) joined.append(joined.empty() ? "" : ", ").append(text(each));
  return joined.empty() ? "none" : joined;
}

template <typename Enum, std::size_t size>
std::string word(Enum value, const std::array<const char*, size>& words) {
  return words.at(static_cast<std::size_t>(value));
}

/// The lines of one section.
class Lines {
 public:
  Lines(std::map<std::string, std::string>& into, std::string section)
      : into_(into), section_(std::move(section)) {}
  template <typename T>
  Lines& add(const char* name, const T& value) {
    into_[section_.empty() ? name : section_ + "." + name] = text(value);
    return *this;
  }

 private:
  std::map<std::string, std::string>& into_;
  std::string section_;
};

constexpr std::array kListenerTls{"none", "starttls", "implicit"};
constexpr std::array kForeign{"refuse", "relay", "relay_and_sign_platform"};
constexpr std::array kRouteKinds{"mx", "host", "maildir"};
constexpr std::array kTlsPolicies{"none", "may", "encrypt", "verify"};
constexpr std::array kProfiles{"standard", "bulk"};
constexpr std::array kAddresses{"whole", "domain", "hashed"};
constexpr std::array kWebhookFormats{"ndjson", "json"};
constexpr std::array kPublishers{"none", "manual", "rfc2136", "command"};
constexpr std::array kProofs{"authoritative", "resolvers"};

void add_listener(const ListenerSettings& listener, std::map<std::string, std::string>& into) {
  Lines(into, "listen " + listener.name)
      .add("address", listener.socket.empty() ? listener.address.to_string()
                                              : "unix:" + listener.socket.string())
      .add("hostname", listener.hostname)
      .add("tls", word(listener.tls, kListenerTls))
      .add("require_tls", listener.require_tls)
      .add("require_auth", listener.require_auth)
      .add("proxy_from", listener.proxy_from)
      .add("connections", listener.connections)
      .add("message_bytes", listener.message_bytes)
      .add("recipients", listener.recipients);
}

void add_client(const ClientSettings& client, std::map<std::string, std::string>& into) {
  Lines(into, "client " + client.name)
      .add("networks", client.networks)
      .add("users", client.users)
      .add("certificates", client.certificates)
      .add("certificate_names", client.certificate_names)
      .add("unix_users", client.all_unix_users ? std::string("all") : text(client.unix_users))
      .add("domains", client.all_domains ? std::string("all") : text(client.domains))
      .add("pool", client.pool)
      .add("messages_per_hour", client.messages_per_hour)
      .add("recipients_per_hour", client.recipients_per_hour)
      .add("connections", client.connections)
      .add("foreign_from", word(client.foreign_from, kForeign))
      .add("repair.long_lines", client.repair.long_lines)
      .add("repair.eight_bit_header", client.repair.eight_bit_header)
      .add("repair.bare_lf", client.repair.bare_lf)
      .add("allow_unsigned", client.allow_unsigned)
      .add("alignment", client.alignment);
}

void add_route(const RouteSettings& route, std::map<std::string, std::string>& into) {
  Lines(into, "route " + route.name)
      .add("kind", word(route.kind, kRouteKinds))
      .add("hosts", route.hosts)
      .add("port", route.port)
      .add("implicit_tls", route.implicit_tls)
      .add("tls", word(route.tls, kTlsPolicies))
      .add("user", route.user)
      .add("password_file", route.password_file)
      .add("maildir", route.maildir)
      .add("spf_addresses", route.spf_addresses)
      .add("domains", route.domains)
      .add("subdomains_of", route.subdomains_of)
      .add("default", route.is_default)
      .add("pool", route.pool)
      .add("connections", route.connections);
}

void add_lists(const Settings& settings, std::map<std::string, std::string>& into) {
  for (const auto& listener : settings.listeners) add_listener(listener, into);
  for (const auto& client : settings.clients) add_client(client, into);
  for (const auto& pool : settings.pools)
    Lines(into, "pool " + pool.name).add("addresses", pool.addresses);
  for (const auto& route : settings.routes) add_route(route, into);
  for (const auto& rule : settings.rewrites)
    Lines(into, "rewrite").add(rule.match.c_str(), rule.domain);
  for (const auto& user : settings.users)
    Lines(into, "user " + user.name)
        .add("password", !user.password.empty())
        .add("scram", !user.scram.empty());
  for (const auto& [child, parent] : settings.signing.parents)
    Lines(into, "signing.parents").add(child.text().c_str(), parent);
}

void add_limits(const Limits& limits, std::map<std::string, std::string>& into) {
  Lines(into, "limits")
      .add("message_bytes", limits.message_bytes)
      .add("recipients", limits.recipients)
      .add("transactions_per_session", limits.transactions_per_session)
      .add("header_bytes", limits.header_bytes)
      .add("header_fields", limits.header_fields)
      .add("connections", limits.connections)
      .add("connections_per_address", limits.connections_per_address)
      .add("junk_commands", limits.junk_commands)
      .add("hops", limits.hops)
      .add("session_memory_bytes", limits.session_memory_bytes)
      .add("connections_per_destination", limits.connections_per_destination)
      .add("recipients_per_transaction", limits.recipients_per_transaction)
      .add("messages_per_connection", limits.messages_per_connection)
      .add("min_free_bytes", limits.min_free_bytes)
      .add("min_free_share", limits.min_free_share)
      .add("held_messages_per_domain", limits.held_messages_per_domain)
      .add("held_bytes_per_domain", limits.held_bytes_per_domain);
}

void add_timeouts(const Timeouts& timeouts, std::map<std::string, std::string>& into) {
  Lines(into, "timeouts")
      .add("command", timeouts.command)
      .add("data_block", timeouts.data_block)
      .add("tls_handshake", timeouts.tls_handshake)
      .add("proxy_header", timeouts.proxy_header)
      .add("min_bytes_per_second", timeouts.min_bytes_per_second)
      .add("connect", timeouts.connect)
      .add("greeting", timeouts.greeting)
      .add("mail", timeouts.mail)
      .add("rcpt", timeouts.rcpt)
      .add("data", timeouts.data)
      .add("block", timeouts.block)
      .add("final_dot", timeouts.final_dot)
      .add("quit", timeouts.quit)
      .add("idle_connection", timeouts.idle_connection)
      .add("drain", timeouts.drain);
}

void add_webhook(const WebhookSettings& webhook, std::map<std::string, std::string>& into) {
  Lines(into, "webhook")
      .add("url", webhook.url)
      .add("token", webhook.token)
      .add("ca", webhook.ca)
      .add("format", word(webhook.format, kWebhookFormats))
      .add("batch_events", webhook.batch_events)
      .add("batch_time", webhook.batch_time)
      .add("timeout", webhook.timeout)
      .add("buffer_bytes", webhook.buffer_bytes);
}

void add_rotation(const RotationSettings& rotation, std::map<std::string, std::string>& into) {
  Lines(into, "rotation")
      .add("publisher", word(rotation.publisher, kPublishers))
      .add("proof", word(rotation.proof, kProofs))
      .add("resolvers", rotation.resolvers)
      .add("authoritative_port", rotation.authoritative_port)
      .add("interval", rotation.interval)
      .add("jitter", rotation.jitter)
      .add("slack", rotation.slack)
      .add("revoked_for", rotation.revoked_for)
      .add("poll", rotation.poll)
      .add("look_every", rotation.look_every)
      .add("give_up", rotation.give_up)
      .add("ttl", rotation.ttl)
      .add("canary", rotation.canary)
      .add("canary_stage", rotation.canary_stage)
      .add("canary_deliveries", rotation.canary_deliveries)
      .add("at_once", rotation.at_once)
      .add("fall_back", rotation.fall_back)
      .add("quiet_hours", rotation.quiet_hours)
      .add("delegate_to", rotation.delegate_to)
      .add("selectors", rotation.selectors)
      .add("server", rotation.server)
      .add("zone", rotation.zone)
      .add("key_name", rotation.key_name)
      .add("key_algorithm", rotation.key_algorithm)
      .add("key_file", rotation.key_file)
      .add("command", rotation.command)
      .add("timeout", rotation.timeout);
}

void add_operation(const Settings& settings, std::map<std::string, std::string>& into) {
  Lines(into, "admin")
      .add("listen", settings.admin.listen)
      .add("tokens", settings.admin.tokens)
      .add("allow_remote", settings.admin.allow_remote)
      .add("requests_per_second", settings.admin.requests_per_second);
  Lines(into, "audit")
      .add("enabled", settings.audit.enabled)
      .add("used_every", settings.audit.used_every)
      .add("unused_every", settings.audit.unused_every)
      .add("queries_per_second", settings.audit.queries_per_second);
  Lines(into, "reload")
      .add("refuse_if_unsigned", settings.reload.refuse_if_unsigned)
      .add("refuse_if_misaligned", settings.reload.refuse_if_misaligned);
}

}  // namespace

std::map<std::string, std::string> describe(const Settings& settings) {
  std::map<std::string, std::string> all;
  Lines(all, "")
      .add("hostname", settings.hostname)
      .add("store", settings.store)
      .add("store_allow_group", settings.store_allow_group)
      .add("spool", settings.spool)
      .add("loops", settings.loops)
      .add("allow_private_mx", settings.allow_private_mx);
  std::vector<std::string> certificates;
  certificates.reserve(settings.tls.certificates.size());
  for (const auto& pair : settings.tls.certificates)
    certificates.push_back(pair.certificate.string());
  Lines(all, "tls")
      .add("certificates", certificates)
      .add("client_ca", settings.tls.client_ca)
      .add("outbound_ca", settings.outbound_ca);
  add_lists(settings, all);
  Lines(all, "signing")
      .add("profile", word(settings.signing.profile, kProfiles))
      .add("platform_domain", settings.signing.platform_domain)
      .add("signature_life", settings.signing.signature_life);
  Lines(all, "alignment")
      .add("enabled", settings.alignment.enabled)
      .add("policy", settings.alignment.policy)
      .add("deadline", settings.alignment.deadline)
      .add("reevaluate", settings.alignment.reevaluate);
  Lines(all, "clock")
      .add("require_sync", settings.clock.require_sync)
      .add("steady", settings.clock.steady);
  Lines(all, "dsn").add("from", settings.dsn.from).add("postmaster", settings.dsn.postmaster);
  add_limits(settings.limits, all);
  add_timeouts(settings.timeouts, all);
  Lines(all, "queue")
      .add("retries", settings.queue.retries)
      .add("retry_later", settings.queue.retry_later)
      .add("life", settings.queue.life)
      .add("null_sender_life", settings.queue.null_sender_life)
      .add("delay_dsn", settings.queue.delay_dsn);
  Lines(all, "resolver")
      .add("servers", settings.resolver.servers)
      .add("trust_anchor", settings.resolver.trust_anchor)
      .add("root_hints", settings.resolver.root_hints)
      .add("timeout", settings.resolver.timeout);
  Lines(all, "monitoring")
      .add("listen", settings.monitoring.listen)
      .add("socket", settings.monitoring.socket)
      .add("delivery_log", settings.monitoring.delivery_log)
      .add("delivery_log_bytes", settings.monitoring.delivery_log_bytes)
      .add("delivery_log_kept", settings.monitoring.delivery_log_kept)
      .add("delivery_log_addresses", word(settings.monitoring.delivery_log_addresses, kAddresses))
      .add("log_level", settings.monitoring.log_level);
  add_webhook(settings.webhook, all);
  add_rotation(settings.rotation, all);
  add_operation(settings, all);
  return all;
}

std::vector<SettingChange> compare(const std::map<std::string, std::string>& before,
                                   const std::map<std::string, std::string>& after) {
  std::vector<SettingChange> changes;
  for (const auto& [name, value] : before) {
    const auto now = after.find(name);
    if (now == after.end()) changes.push_back({name, value, ""});
    if (now != after.end() && now->second != value) changes.push_back({name, value, now->second});
  }
  for (const auto& [name, value] : after) {
    if (!before.contains(name)) changes.push_back({name, "", value});
  }
  // A table that comes or goes has members without a value, too.
  std::erase_if(changes, [](const auto& each) { return each.before == each.after; });
  std::ranges::sort(changes, {}, &SettingChange::name);
  return changes;
}

}  // namespace signet::config
