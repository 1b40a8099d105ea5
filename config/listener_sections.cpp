// [tls], [[listen]] and [[user]].
#include <algorithm>
#include <array>

#include "config/scram_keys.hpp"
#include "config/sections.hpp"

namespace signet::config {
namespace {

void read_pair(Section& section, TlsSettings& into) {
  TlsSettings::Certificate pair;
  section.path("certificate", pair.certificate);
  section.path("key", pair.key);
  if (section.has("certificate")) section.require("key");
  if (section.has("key")) section.require("certificate");
  if (section.has("certificate")) into.certificates.push_back(std::move(pair));
}

constexpr std::string_view kUnix = "unix:";
constexpr std::size_t kLongestSocketPath = 107;  // sun_path of unix(7), less its NUL.

void read_socket(Section& listen, const std::string& address, ListenerSettings& into) {
  into.socket = listen.reading().resolve(address.substr(kUnix.size()));
  if (address.size() == kUnix.size() || into.socket.native().size() > kLongestSocketPath) {
    listen.problem("address", "must name a file after \"unix:\", of at most 107 octets");
  }
  if (listen.has("proxy_from")) {
    listen.problem("proxy_from", "is for addresses: who is at a Unix socket is known");
  }
}

void read_address(Section& listen, ListenerSettings& into) {
  std::string address;
  listen.require("address");
  listen.text("address", address);
  if (address.starts_with(kUnix)) {
    read_socket(listen, address, into);
  } else {
    listen.parsed("address", into.address, &Endpoint::parse, kAnEndpoint);
  }
  into.name = into.socket.empty() ? into.address.to_string() : address;
}

void read_socket_mode(Section& listen, ListenerSettings& into) {
  std::string mode;
  listen.text("mode", mode);
  if (mode.empty()) return;
  const bool is_octal = mode.size() >= 3 && mode.size() <= 4 &&
                        mode.find_first_not_of("01234567") == std::string::npos &&
                        (mode.size() == 3 || mode.front() == '0');
  if (!is_octal) return listen.problem("mode", "is octal, such as \"0660\"");
  into.socket_mode = static_cast<unsigned>(std::stoul(mode, nullptr, 8));
}

void read_listener_limits(Section& listen, ListenerSettings& into) {
  std::optional<Domain> hostname;
  listen.domain("hostname", hostname);
  if (hostname) into.hostname = hostname->text();
  listen.count("connections", into.connections);
  listen.size("message_bytes", into.message_bytes);
  listen.count("recipients", into.recipients);
  listen.list<IpNetwork>(
      "proxy_from", &IpNetwork::parse, kANetwork, [&](const IpNetwork& network, Position at) {
        if (network.prefix == 0) {
          listen.problem_at(at, "proxy_from",
                            "holds " + network.to_string() + ": anybody could claim to be anybody");
        }
        into.proxy_from.push_back(network);
      });
}

void check_needs(Section& listen, const ListenerSettings& one, const Settings& settings) {
  using enum ListenerTls;
  if (one.tls != none && settings.tls.certificates.empty()) {
    listen.problem("tls", "needs a certificate: set 'certificate' and 'key' in [tls]");
  }
  if (one.require_tls && one.tls == none) {
    listen.problem("require_tls", "needs tls = \"starttls\" or \"implicit\"");
  }
  if (one.require_auth && settings.users.empty()) {
    listen.problem("require_auth", "needs a [[user]], or nobody can authenticate");
  } else if (one.require_auth && one.tls == none) {
    listen.problem("require_auth",
                   "needs tls = \"starttls\" or \"implicit\": AUTH is offered under TLS only");
  }
}

bool is_taken(const ListenerSettings& one, const Settings& settings) {
  return std::any_of(
      settings.listeners.begin(), settings.listeners.end(), [&](const ListenerSettings& other) {
        if (one.socket != other.socket) return false;
        return !one.socket.empty() || (one.address.port != 0 && one.address == other.address);
      });
}

void read_listener(Section& listen, Settings& settings) {
  using enum ListenerTls;
  ListenerSettings one;
  read_address(listen, one);
  if (!settings.tls.certificates.empty() && one.socket.empty()) one.tls = starttls;
  const std::string address = one.name;
  listen.text("name", one.name);
  listen.choice("tls", one.tls, {{"none", none}, {"starttls", starttls}, {"implicit", implicit}});
  listen.flag("require_tls", one.require_tls);
  listen.flag("require_auth", one.require_auth);
  read_socket_mode(listen, one);
  read_listener_limits(listen, one);
  check_needs(listen, one, settings);
  if (is_taken(one, settings)) {
    listen.problem("address", "is " + address + ", where another [[listen]] is");
  } else {
    listen.reading().take_name("listener", one.name, listen.where("name"));
  }
  settings.listeners.push_back(std::move(one));
}

/// What crypt(5) calls yescrypt, gost-yescrypt, scrypt, bcrypt, SHA-512, SHA-256.
bool is_crypt_hash(std::string_view text) {
  constexpr std::array<std::string_view, 8> kPrefixes{"$y$",  "$gy$", "$7$", "$2b$",
                                                      "$2y$", "$2a$", "$6$", "$5$"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(), [&](std::string_view prefix) {
    return text.starts_with(prefix) && text.size() > prefix.size() + 8;
  });
}

/// Clients prefer SCRAM where it is offered, and it is offered as soon as one user has it.
void warn_of_missing_scram(Section& root, const Settings& settings) {
  const auto has_scram = [](const UserSettings& user) { return !user.scram.empty(); };
  if (std::ranges::none_of(settings.users, has_scram)) return;
  for (const UserSettings& user : settings.users) {
    if (has_scram(user)) continue;
    root.reading().warning(root.where("user"),
                           "user '" + user.name +
                               "' has no 'scram' and others have: programs that choose SCRAM will "
                               "fail for it. `signet user new` prints both");
  }
}

}  // namespace

void read_tls(Section& root, Settings& settings) {
  root.table("tls", [&](Section& tls) {
    read_pair(tls, settings.tls);
    tls.tables("more", "'more' of [tls]", [&](Section& pair) {
      pair.require("certificate");
      read_pair(pair, settings.tls);
    });
    if (tls.has("more") && !tls.has("certificate")) tls.require("certificate");
    tls.path("client_ca", settings.tls.client_ca);
    if (tls.has("client_ca") && settings.tls.certificates.empty()) {
      tls.problem("client_ca",
                  "needs 'certificate' and 'key': without them nobody speaks TLS here");
    }
    tls.path("outbound_ca", settings.outbound_ca);
  });
}

void read_listeners(Section& root, Settings& settings) {
  root.tables("listen", "[[listen]]", [&](Section& listen) { read_listener(listen, settings); });
  if (!root.has("listen")) {
    root.reading().problem({}, "there is no [[listen]]: add one with an 'address'");
  }
}

void read_users(Section& root, Settings& settings) {
  root.tables("user", "[[user]]", [&](Section& user) {
    UserSettings one;
    user.require("name");
    if (!user.has("scram")) user.require("password");
    user.text("name", one.name);
    if (user.has("name")) user.reading().take_name("user", one.name, user.where("name"));
    user.text("password", one.password);
    if (!one.password.empty() && !is_crypt_hash(one.password)) {
      user.problem("password",
                   "must be a hash that begins with \"$y$\", as `signet user new` or "
                   "mkpasswd(1) prints it, never the password itself");
    }
    user.text("scram", one.scram);
    if (!one.scram.empty() && !parse_scram_keys(one.scram)) {
      user.problem("scram",
                   "must be \"SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY\" with at least "
                   "4096 iterations, as `signet user new` prints it");
    }
    user.reading().check_later([&reading = user.reading(), name = one.name,
                                where = user.where("name")](const Settings& all) {
      const auto holds_it = [&](const ClientSettings& client) {
        return client.users.contains(name);
      };
      if (std::any_of(all.clients.begin(), all.clients.end(), holds_it)) return;
      reading.warning(where,
                      "user '" + name + "' is of no [[client]]: add it to the 'users' of one");
    });
    settings.users.push_back(std::move(one));
  });
  warn_of_missing_scram(root, settings);
}

}  // namespace signet::config
