// Settings: what an operator can say, as plain structs with the defaults in place.
//
// No parsing, no checks, no I/O here (reader.hpp has them). A Settings object is immutable once
// loaded: reload makes a new one and swaps it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "relay/base/alignment_policy.hpp"
#include "relay/base/domain.hpp"
#include "relay/base/ip_address.hpp"

namespace signet::config {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

enum class ListenerTls { none, starttls, implicit };
enum class Need { no, optional, required };

struct ListenerSettings {
  std::string name;  ///< Default: the address.
  Endpoint address;
  std::filesystem::path socket;       ///< "unix:/path" in place of an address; empty: TCP.
  unsigned socket_mode = 0666;        ///< Who may connect; who may send is the clients' affair.
  std::vector<IpNetwork> proxy_from;  ///< Peers that must begin with a PROXY header; no others may.
  std::string hostname;               ///< In 220 and EHLO; default: Settings::hostname.
  std::uint32_t connections = 0;      ///< To this listener; 0: no limit of its own.
  std::uint64_t message_bytes = 0;    ///< 0: limits.message_bytes; never more than that.
  std::uint32_t recipients = 0;       ///< 0: limits.recipients.
  ListenerTls tls = ListenerTls::none;  ///< Default: starttls when [tls] has a certificate.
  bool require_tls = false;             ///< 530 before MAIL in clear.
  bool require_auth = false;            ///< 530 before MAIL without AUTH (submission).
  friend bool operator==(const ListenerSettings&, const ListenerSettings&) = default;
};

struct TlsSettings {
  struct Certificate {
    std::filesystem::path certificate;
    std::filesystem::path key;
  };
  std::vector<Certificate> certificates;  ///< First: default; others by SNI.
  std::filesystem::path client_ca;  ///< Verifies client certificates; empty: fingerprints only.
};

struct UserSettings {
  std::string name;
  std::string password;  ///< crypt(3) hash, yescrypt ("$y$…"); empty: no AUTH PLAIN or LOGIN.
  std::string scram;     ///< "SCRAM-SHA-256$4096:…" (RFC 5803); empty: no SCRAM.
};

enum class ForeignFrom { refuse, relay, relay_and_sign_platform };

struct RepairSettings {
  bool long_lines = false;        ///< quoted-printable or base64 for lines over 998.
  bool eight_bit_header = false;  ///< encoded words for raw 8-bit header text.
  bool bare_lf = false;           ///< bare LF to CRLF; only with networks, never from AUTH alone.
};

struct ClientSettings {
  std::string name;
  std::vector<IpNetwork> networks;
  std::set<std::string> users;
  std::set<std::string> certificates;  ///< SHA-256 fingerprints, lower-case hex.
  /// dNSName (or CN without one) of certificates that client_ca verifies; lower case.
  std::set<std::string> certificate_names;
  std::set<std::uint32_t> unix_users;   ///< uids of peers at a Unix socket.
  bool all_unix_users = false;          ///< `unix_users = "all"`.
  std::set<Domain> domains;             ///< May use these in MAIL FROM and From, exactly these.
  bool all_domains = false;             ///< `domains = "all"`: every domain of the store.
  std::string pool;                     ///< Empty: the default pool.
  std::uint64_t messages_per_hour = 0;  ///< 0: no limit.
  std::uint64_t recipients_per_hour = 0;
  std::uint32_t connections = 0;
  ForeignFrom foreign_from = ForeignFrom::refuse;
  RepairSettings repair;
  bool allow_unsigned = false;               ///< A domain without a key may send unsigned.
  std::optional<AlignmentPolicy> alignment;  ///< Instead of alignment.policy.
};

/// [rewrite]: exact host or host suffix (written ".internal") to a domain, for envelope sender and
/// From.
struct RewriteRule {
  std::string match;
  bool is_suffix = false;
  Domain domain;
};

struct EgressAddress {
  IpAddress bind;
  IpAddress public_address;
  std::string helo;  ///< Default: hostname.
  unsigned weight = 1;
};

struct PoolSettings {
  std::string name;
  std::vector<EgressAddress> addresses;  ///< Empty: the system chooses.
};

enum class RouteKind { mx, host, maildir };
enum class TlsPolicy {
  none,
  may,
  encrypt,
  verify
};  ///< encrypt: any certificate; verify: WebPKI and name.

struct RouteSettings {
  std::string name;
  RouteKind kind = RouteKind::mx;
  std::vector<std::string> hosts;  ///< RouteKind::host: names or addresses, tried in order.
  std::uint16_t port = 25;
  bool implicit_tls = false;
  TlsPolicy tls = TlsPolicy::may;
  std::string user;  ///< AUTH at the next hop; empty: none.
  std::filesystem::path password_file;
  std::filesystem::path maildir;
  std::vector<IpNetwork> spf_addresses;  ///< The addresses a foreign next hop sends from.
  std::vector<Domain> domains;           ///< Recipient domains, exact.
  std::vector<Domain> subdomains_of;     ///< And every name below these (not the names themselves).
  bool is_default = false;
  std::string pool;               ///< Overrides the client's pool.
  std::uint32_t connections = 0;  ///< Per destination; 0: limits.connections_per_destination.
};

struct SigningDefaults {
  enum class Profile { standard, bulk };
  Profile profile = Profile::standard;
  std::optional<Domain> platform_domain;    ///< Signs a second time with this domain's key.
  std::map<Domain, Domain> parents;         ///< Explicit: mail from key is signed by value.
  seconds signature_life = hours(24 * 12);  ///< x= minus t=.
};

struct AlignmentSettings {
  bool enabled = true;
  AlignmentPolicy policy = AlignmentPolicy::automatic;
  milliseconds deadline = seconds(10);  ///< For one message; then its verdict is unknown.
  seconds reevaluate = hours(1);        ///< How often held mail is looked at again.
};

struct ClockSettings {
  bool require_sync = false;    ///< No signatures while the kernel says it is unsynchronised.
  seconds steady = minutes(5);  ///< After a step, before signatures are made again.
};

struct DsnSettings {
  std::string
      from;  ///< "MAILER-DAEMON@example.com"; its domain needs a key. Empty: no DSN is made.
  std::string postmaster;  ///< Gets what can't be delivered, once.
};

struct Limits {
  std::uint64_t message_bytes = 25ULL << 20U;
  std::uint32_t recipients = 100;
  std::uint32_t transactions_per_session = 0;  ///< MAIL commands of one client; 0: no limit.
  std::uint32_t header_bytes = 128U << 10U;
  std::uint32_t header_fields = 1000;
  std::uint32_t connections = 10000;
  std::uint32_t connections_per_address = 0;  ///< 0: no limit of its own.
  std::uint32_t junk_commands = 100;
  std::uint32_t hops = 50;                             ///< Received fields (RFC 5321 6.3).
  std::uint64_t session_memory_bytes = 512ULL << 20U;  ///< All sessions together, then 452.
  std::uint32_t connections_per_destination = 20;
  std::uint32_t recipients_per_transaction = 50;
  std::uint32_t messages_per_connection = 100;
  std::uint64_t min_free_bytes = 512ULL << 20U;
  double min_free_share = 0.05;
  std::uint64_t held_messages_per_domain = 10000;
  std::uint64_t held_bytes_per_domain = 1ULL << 30U;
};

struct Timeouts {
  seconds command = minutes(5);
  seconds data_block = minutes(3);
  seconds tls_handshake = seconds(30);
  seconds proxy_header = seconds(5);
  std::uint32_t min_bytes_per_second = 100;  ///< During DATA, over each minute.
  seconds connect = seconds(30);
  seconds greeting = minutes(5);
  seconds mail = minutes(5);
  seconds rcpt = minutes(5);
  seconds data = minutes(2);
  seconds block = minutes(3);
  seconds final_dot = minutes(10);
  seconds quit = seconds(10);
  seconds idle_connection = seconds(5);  ///< How long an outbound connection waits for more.
  seconds drain = seconds(30);
};

struct QueueSettings {
  std::vector<seconds> retries{minutes(5), minutes(10), minutes(20), minutes(40),
                               minutes(60)};  ///< Then hourly,
  seconds retry_later = hours(4);             ///< and after 24 h this.
  seconds life = hours(24 * 5);
  seconds null_sender_life = hours(24);
  seconds delay_dsn = seconds(0);  ///< 0: off.
};

struct ResolverOptions {
  enum class Mode { system, servers, recursive };
  Mode mode = Mode::system;
  std::vector<Endpoint> servers;
  std::filesystem::path trust_anchor;
  std::filesystem::path root_hints;
  milliseconds timeout = seconds(10);
  friend bool operator==(const ResolverOptions&, const ResolverOptions&) = default;
};

struct MonitoringSettings {
  std::optional<Endpoint> listen;        ///< /metrics, /healthz, /readyz; nothing when unset.
  std::filesystem::path socket;          ///< Admin socket; default: SPOOL/signet.sock.
  std::filesystem::path delivery_log;    ///< "-": standard output; empty: SPOOL/delivery.log.
  std::uint64_t delivery_log_bytes = 0;  ///< Larger: a new file is begun; 0: never.
  std::uint32_t delivery_log_kept = 5;   ///< Of the files before, FILE.1 the newest.
  enum class Addresses { whole, domain, hashed };
  Addresses delivery_log_addresses = Addresses::whole;
  std::string log_level = "info";
  friend bool operator==(const MonitoringSettings&, const MonitoringSettings&) = default;
};

struct WebhookSettings {
  enum class Format { ndjson, json };

  std::string url;              ///< http:// or https://; empty: nothing is sent.
  std::filesystem::path token;  ///< Holds a bearer token.
  std::filesystem::path ca;     ///< Empty: the system's trust store.
  Format format = Format::ndjson;
  std::uint32_t batch_events = 500;
  milliseconds batch_time = seconds(1);
  milliseconds timeout = seconds(10);  ///< Of one request.
  std::uint64_t buffer_bytes = std::uint64_t{64} << 20U;
  friend bool operator==(const WebhookSettings&, const WebhookSettings&) = default;
};

struct AdminSettings {
  std::optional<Endpoint> listen;          ///< /v1 over TCP, with a token; nothing when unset.
  std::filesystem::path tokens;            ///< Names, scopes and hashes (relay/admin/tokens.hpp).
  bool allow_remote = false;               ///< `listen` need not be a loopback address.
  std::uint32_t requests_per_second = 50;  ///< Of one token; and of all without a right one.
};

struct RotationSettings {
  enum class Publisher { none, manual, rfc2136, command };
  enum class Proof { authoritative, resolvers };
  Publisher publisher = Publisher::none;  ///< none: the relay leaves keys alone.
  Proof proof = Proof::authoritative;
  std::vector<Endpoint> resolvers;  ///< That must see a record too; empty: [resolver] servers.
  std::uint16_t authoritative_port = 53;  ///< Other than 53 for tests.
  seconds interval = hours(24 * 180);
  seconds jitter = hours(24 * 14);
  seconds slack = hours(24 * 7);  ///< Beyond the queue's life, before a record is revoked.
  seconds revoked_for = hours(24 * 7);
  seconds poll = minutes(5);
  seconds look_every = minutes(1);
  seconds give_up = hours(24 * 7);
  seconds ttl = hours(1);
  std::uint32_t at_once = 10;
  bool fall_back = false;
  bool canary = false;                    ///< A new key signs a share of the mail first.
  seconds canary_stage = hours(24);       ///< At least so long at each share.
  std::uint32_t canary_deliveries = 200;  ///< At least so many with the new key and the old.
  /// Minutes of the day, UTC.
  std::optional<std::pair<minutes, minutes>> quiet_hours;
  /// Zone of ours into which customers' CNAMEs lead: s1._domainkey.DOMAIN to s1.DOMAIN.ZONE.
  std::optional<Domain> delegate_to;
  std::vector<std::string> selectors;  ///< With delegate_to: those that have CNAMEs, used in turn.
  std::optional<Endpoint> server;      ///< rfc2136: the primary.
  std::optional<Domain> zone;          ///< rfc2136: unset: found by its SOA.
  std::string key_name;
  std::string key_algorithm = "hmac-sha256";
  std::filesystem::path key_file;
  std::vector<std::string> command;  ///< command: program and arguments.
  seconds timeout = seconds(30);     ///< Of one publication.
  friend bool operator==(const RotationSettings&, const RotationSettings&) = default;
};

struct AuditSettings {
  bool enabled = false;
  seconds used_every = hours(1);     ///< Domains that sent in the last day.
  seconds unused_every = hours(24);  ///< The others.
  std::uint32_t queries_per_second = 50;
  friend bool operator==(const AuditSettings&, const AuditSettings&) = default;
};

/// What a reload must not do to mail of the last hour or of configured domains.
struct ReloadSettings {
  bool refuse_if_unsigned = false;
  bool refuse_if_misaligned = false;
};

struct Settings {
  std::string hostname;            ///< In 220, EHLO, Received. Default: gethostname(2).
  std::filesystem::path store;     ///< STORE/<domain>/…
  bool store_allow_group = false;  ///< Key files readable by the group are fine (mounted secrets).
  std::filesystem::path spool;
  unsigned loops = 0;  ///< 0: one per core.
  std::vector<ListenerSettings> listeners;
  TlsSettings tls;
  std::filesystem::path outbound_ca;  ///< Trust store for outbound TLS; empty: the system's.
  std::vector<UserSettings> users;
  std::vector<ClientSettings> clients;
  std::vector<RewriteRule> rewrites;
  std::vector<PoolSettings> pools;
  std::vector<RouteSettings> routes;
  SigningDefaults signing;
  AlignmentSettings alignment;
  ClockSettings clock;
  DsnSettings dsn;
  Limits limits;
  Timeouts timeouts;
  QueueSettings queue;
  ResolverOptions resolver;
  MonitoringSettings monitoring;
  WebhookSettings webhook;
  RotationSettings rotation;
  AdminSettings admin;
  AuditSettings audit;
  ReloadSettings reload;
  bool allow_private_mx = false;  ///< Tests only: MX may lead to private addresses.
};

}  // namespace signet::config
