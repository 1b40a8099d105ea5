// [tls], [[listen]] and [[user]].
#include <algorithm>
#include <array>

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

void read_listener(Section& listen, Settings& settings) {
  ListenerSettings one;
  const bool has_certificate = !settings.tls.certificates.empty();
  if (has_certificate) one.tls = ListenerTls::starttls;
  listen.require("address");
  listen.parsed("address", one.address, &Endpoint::parse, kAnEndpoint);
  one.name = one.address.to_string();
  listen.text("name", one.name);
  using enum ListenerTls;
  listen.choice("tls", one.tls, {{"none", none}, {"starttls", starttls}, {"implicit", implicit}});
  listen.flag("require_tls", one.require_tls);
  listen.flag("require_auth", one.require_auth);
  if (one.tls != none && !has_certificate) {
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
  const bool is_taken =
      one.address.port != 0 &&
      std::any_of(settings.listeners.begin(), settings.listeners.end(),
                  [&](const auto& other) { return other.address == one.address; });
  if (is_taken) {
    listen.problem("address", "is " + one.address.to_string() + ", where another [[listen]] is");
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
    user.require("password");
    user.text("name", one.name);
    if (user.has("name")) user.reading().take_name("user", one.name, user.where("name"));
    user.text("password", one.password);
    if (!one.password.empty() && !is_crypt_hash(one.password)) {
      user.problem("password",
                   "must be a hash that begins with \"$y$\", as `signet user new` or "
                   "mkpasswd(1) prints it, never the password itself");
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
}

}  // namespace signet::config
