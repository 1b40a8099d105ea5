// [signing], [alignment], [clock], [dsn], [limits], [timeouts], [queue], [resolver], [monitoring]
// and [audit].
#include "config/sections.hpp"

namespace signet::config {
namespace {

constexpr std::uint64_t kLeastMessage = 512;
constexpr std::chrono::seconds kLeastPause{60};      // Sooner the relay tries no message again.
constexpr std::uint64_t kLeastMemory = 512U << 10U;  // Slices and chunks of one large message.

/// local@domain with a dot-string as local part: these are our own addresses.
bool is_mailbox(std::string_view text) {
  constexpr std::string_view kAtext =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.";
  const auto at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64) return false;
  const std::string_view local = text.substr(0, at);
  return local.find_first_not_of(kAtext) == std::string_view::npos && local.front() != '.' &&
         local.back() != '.' && local.find("..") == std::string_view::npos &&
         Domain::parse(text.substr(at + 1)).has_value();
}

void read_mailbox(Section& dsn, std::string_view key, std::string& into) {
  dsn.text(key, into);
  if (!into.empty() && !is_mailbox(into)) {
    dsn.problem(key,
                "is \"" + into + "\", which is not a mailbox, such as \"postmaster@example.com\"");
  }
}

void read_parents(Section& signing, std::map<Domain, Domain>& into) {
  signing.entries("parents", [&](const Entry& entry) {
    const auto* text = std::get_if<std::string>(&entry.value.of);
    const auto child = Domain::parse(entry.key);
    const auto parent = text == nullptr ? child : Domain::parse(*text);
    if (text == nullptr || !child || !parent) {
      return signing.problem_at(entry.where, "parents",
                                "needs domain names: \"news.example.com\" = \"example.com\"");
    }
    into.insert_or_assign(*child, *parent);
  });
}

/// "192.0.2.1" means port 53.
Result<Endpoint> parse_server(std::string_view text) {
  const auto address = IpAddress::parse(text);
  if (address) return Endpoint{*address, 53};
  return Endpoint::parse(text);
}

}  // namespace

void read_signing(Section& root, Settings& settings) {
  root.table("signing", [&](Section& signing) {
    SigningDefaults& into = settings.signing;
    using enum SigningDefaults::Profile;
    signing.choice("profile", into.profile, {{"standard", standard}, {"bulk", bulk}});
    signing.domain("platform_domain", into.platform_domain);
    read_parents(signing, into.parents);
    signing.duration("signature_life", into.signature_life, hours(24));
  });
}

AlignmentPolicy read_alignment_policy(Section& section, std::string_view key,
                                      AlignmentPolicy otherwise) {
  using enum AlignmentPolicy;
  section.choice(key, otherwise,
                 {{name_of(automatic), automatic},
                  {name_of(observe), observe},
                  {name_of(tag), tag},
                  {name_of(hold), hold},
                  {name_of(refuse), refuse}});
  return otherwise;
}

void read_alignment(Section& root, Settings& settings) {
  root.table("alignment", [&](Section& alignment) {
    AlignmentSettings& into = settings.alignment;
    alignment.flag("enabled", into.enabled);
    into.policy = read_alignment_policy(alignment, "policy", into.policy);
    alignment.duration("deadline", into.deadline, milliseconds(100));
    alignment.duration("reevaluate", into.reevaluate);
  });
}

void read_clock(Section& root, Settings& settings) {
  root.table("clock", [&](Section& clock) {
    clock.flag("require_sync", settings.clock.require_sync);
    clock.duration("steady", settings.clock.steady);
  });
}

void read_dsn(Section& root, Settings& settings) {
  root.table("dsn", [&](Section& dsn) {
    read_mailbox(dsn, "from", settings.dsn.from);
    read_mailbox(dsn, "postmaster", settings.dsn.postmaster);
  });
  if (settings.dsn.from.empty()) {
    root.reading().warning(root.where("dsn"),
                           "'from' in [dsn] is not set: no sender hears of mail that could not be "
                           "delivered");
  }
}

void read_limits(Section& root, Settings& settings) {
  root.table("limits", [&](Section& limits) {
    Limits& into = settings.limits;
    limits.size("message_bytes", into.message_bytes, kLeastMessage);
    limits.count("recipients", into.recipients, 100U);  // RFC 5321 4.5.3.1.8
    limits.count("transactions_per_session", into.transactions_per_session);
    limits.size("header_bytes", into.header_bytes, kLeastMessage);
    limits.count("header_fields", into.header_fields, 1U);
    limits.count("connections", into.connections, 1U);
    limits.count("connections_per_address", into.connections_per_address);
    limits.count("junk_commands", into.junk_commands, 1U);
    limits.count("hops", into.hops, 1U);
    limits.size("session_memory_bytes", into.session_memory_bytes, kLeastMemory);
    limits.count("connections_per_destination", into.connections_per_destination, 1U);
    limits.count("recipients_per_transaction", into.recipients_per_transaction, 1U);
    limits.count("messages_per_connection", into.messages_per_connection, 1U);
    limits.size("min_free_bytes", into.min_free_bytes);
    limits.share("min_free_share", into.min_free_share);
    limits.count("held_messages_per_domain", into.held_messages_per_domain);
    limits.size("held_bytes_per_domain", into.held_bytes_per_domain);
  });
}

void read_timeouts(Section& root, Settings& settings) {
  root.table("timeouts", [&](Section& timeouts) {
    Timeouts& into = settings.timeouts;
    timeouts.duration("command", into.command);
    timeouts.duration("data_block", into.data_block);
    timeouts.duration("tls_handshake", into.tls_handshake);
    timeouts.duration("proxy_header", into.proxy_header);
    timeouts.count("min_bytes_per_second", into.min_bytes_per_second);
    timeouts.duration("connect", into.connect);
    timeouts.duration("greeting", into.greeting);
    timeouts.duration("mail", into.mail);
    timeouts.duration("rcpt", into.rcpt);
    timeouts.duration("data", into.data);
    timeouts.duration("block", into.block);
    timeouts.duration("final_dot", into.final_dot);
    timeouts.duration("quit", into.quit);
    timeouts.duration("idle_connection", into.idle_connection, seconds(0));
    timeouts.duration("drain", into.drain, seconds(0));
  });
}

void read_queue(Section& root, Settings& settings) {
  root.table("queue", [&](Section& queue) {
    QueueSettings& into = settings.queue;
    queue.durations("retries", into.retries, kLeastPause);
    queue.duration("retry_later", into.retry_later, kLeastPause);
    queue.duration("life", into.life);
    queue.duration("null_sender_life", into.null_sender_life);
    queue.duration("delay_dsn", into.delay_dsn, seconds(0));
  });
  if (settings.signing.signature_life < settings.queue.life) {
    root.reading().problem(root.where(root.has("signing") ? "signing" : "queue"),
                           "'life' in [queue] is more than 'signature_life' in [signing]: mail "
                           "would leave with an expired signature");
  }
}

void read_resolver(Section& root, Settings& settings) {
  root.table("resolver", [&](Section& resolver) {
    ResolverOptions& into = settings.resolver;
    using enum ResolverOptions::Mode;
    resolver.list<Endpoint>("servers", &parse_server, kAnEndpoint,
                            [&](Endpoint server, Position) { into.servers.push_back(server); });
    if (!into.servers.empty()) into.mode = servers;
    resolver.choice("mode", into.mode,
                    {{"system", system}, {"servers", servers}, {"recursive", recursive}});
    resolver.path("trust_anchor", into.trust_anchor);
    resolver.path("root_hints", into.root_hints);
    resolver.duration("timeout", into.timeout, milliseconds(100));
    if (into.mode == servers && into.servers.empty()) {
      resolver.problem("mode", "is \"servers\", so 'servers' must name some");
    }
    if (into.mode != servers && !into.servers.empty()) {
      resolver.problem("servers", "is used only with mode = \"servers\"");
    }
  });
}

void read_monitoring(Section& root, Settings& settings) {
  MonitoringSettings& into = settings.monitoring;
  root.table("monitoring", [&](Section& monitoring) {
    Endpoint listen;
    monitoring.parsed("listen", listen, &Endpoint::parse, kAnEndpoint);
    if (monitoring.has("listen")) into.listen = listen;
    monitoring.path("socket", into.socket);
    std::string log;
    monitoring.text("delivery_log", log);
    if (!log.empty())
      into.delivery_log = log == "-" ? std::filesystem::path(log) : root.reading().resolve(log);
    monitoring.size("delivery_log_bytes", into.delivery_log_bytes);
    monitoring.count("delivery_log_kept", into.delivery_log_kept, 1U, 1000U);
    using enum MonitoringSettings::Addresses;
    monitoring.choice("delivery_log_addresses", into.delivery_log_addresses,
                      {{"whole", whole}, {"domain", domain}, {"hashed", hashed}});
    std::string_view level = "info";
    monitoring.choice<std::string_view>("log_level", level,
                                        {{"trace", "trace"},
                                         {"debug", "debug"},
                                         {"info", "info"},
                                         {"warning", "warning"},
                                         {"error", "error"}});
    into.log_level = level;
  });
  if (into.socket.empty()) into.socket = settings.spool / "signet.sock";
  if (into.delivery_log.empty()) into.delivery_log = settings.spool / "delivery.log";
}

void read_audit(Section& root, Settings& settings) {
  root.table("audit", [&](Section& audit) {
    AuditSettings& into = settings.audit;
    audit.flag("enabled", into.enabled);
    audit.duration("used_every", into.used_every);
    audit.duration("unused_every", into.unused_every);
    audit.count("queries_per_second", into.queries_per_second, 1U, 50U);
  });
}

void read_reload(Section& root, Settings& settings) {
  root.table("reload", [&](Section& reload) {
    reload.flag("refuse_if_unsigned", settings.reload.refuse_if_unsigned);
    reload.flag("refuse_if_misaligned", settings.reload.refuse_if_misaligned);
  });
}

}  // namespace signet::config
