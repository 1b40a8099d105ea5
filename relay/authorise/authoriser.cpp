#include "relay/authorise/authoriser.hpp"

#include <algorithm>
#include <string_view>

namespace signet::authorise {
namespace {

ClientMatch find_by_network(const config::Settings& settings, const IpAddress& address) {
  ClientMatch found;
  unsigned longest = 0;
  for (const auto& client : settings.clients) {
    for (const auto& network : client.networks) {
      if (!network.contains(address)) continue;
      if (found.client != nullptr && network.prefix <= longest) continue;
      found = {&client, MatchedBy::network, &network};
      longest = network.prefix;
    }
  }
  return found;
}

template <typename Matches>
ClientMatch find_first(const config::Settings& settings, MatchedBy by, Matches matches) {
  for (const auto& client : settings.clients) {
    if (matches(client)) return {&client, by};
  }
  return {};
}

bool is_own(const config::ClientSettings& client, const Domain& domain, bool in_store) {
  return client.domains.contains(domain) || (client.all_domains && in_store);
}

/// What the operator must do for `domain` to be allowed, in words a peer may read.
std::string refusal(std::string_view what, const Domain& domain,
                    const config::ClientSettings& client) {
  std::string text(what);
  text += " domain " + domain.text() + " is not allowed for client " + client.name;
  text +=
      client.all_domains ? ": make a key for it in the store" : ": add it to the client's domains";
  for (char& octet : text) {
    if (octet < ' ' || octet > '~') octet = '?';
  }
  return text;
}

bool matches_suffix(std::string_view host, std::string_view suffix) {
  if (suffix.starts_with('.')) suffix.remove_prefix(1);
  return host.size() > suffix.size() + 1 && host.ends_with(suffix) &&
         host[host.size() - suffix.size() - 1] == '.';
}

}  // namespace

ClientMatch match_client(const config::Settings& settings, const Peer& peer) {
  ClientMatch found;
  if (!peer.user.empty()) {
    found = find_first(settings, MatchedBy::user,
                       [&](const auto& c) { return c.users.contains(peer.user); });
  }
  if (found.client == nullptr && !peer.certificate_fingerprint.empty()) {
    found = find_first(settings, MatchedBy::certificate, [&](const auto& c) {
      return c.certificates.contains(peer.certificate_fingerprint);
    });
  }
  if (found.client == nullptr && !peer.certificate_names.empty()) {
    found = find_first(settings, MatchedBy::certificate_name, [&](const auto& c) {
      return std::ranges::any_of(peer.certificate_names, [&](const std::string& name) {
        return c.certificate_names.contains(name);
      });
    });
  }
  if (found.client != nullptr) return found;
  if (!peer.unix_user) return find_by_network(settings, peer.address);
  found = find_first(settings, MatchedBy::unix_user,
                     [&](const auto& c) { return c.unix_users.contains(*peer.unix_user); });
  if (found.client != nullptr) return found;
  return find_first(settings, MatchedBy::unix_user, [](const auto& c) { return c.all_unix_users; });
}

const config::ClientSettings* find_client(const config::Settings& settings, const Peer& peer) {
  return match_client(settings, peer).client;
}

std::string to_string(const Peer& peer) {
  return peer.unix_user ? "unix:" + std::to_string(*peer.unix_user) : peer.address.to_string();
}

Mailbox rewrite(const config::Settings& settings, Mailbox address) {
  const config::RewriteRule* best = nullptr;
  const std::string& host = address.domain.text();
  for (const auto& rule : settings.rewrites) {
    if (!rule.is_suffix && rule.match == host) {
      best = &rule;
      break;
    }
    if (!rule.is_suffix || !matches_suffix(host, rule.match)) continue;
    if (best == nullptr || rule.match.size() > best->match.size()) best = &rule;
  }
  if (best != nullptr) address.domain = best->domain;
  return address;
}

Result<void> check_sender(const config::ClientSettings& client, const ReversePath& sender,
                          bool in_store) {
  if (!sender || is_own(client, sender->domain, in_store)) return {};
  if (client.foreign_from != config::ForeignFrom::refuse) return {};
  return fail(Fault::sender_not_allowed, sender->to_string() + " by client " + client.name,
              refusal("Sender", sender->domain, client));
}

bool may_be_own(const config::ClientSettings& client, const Domain& author) {
  return is_own(client, author, true);
}

Result<Authorship> check_author(const config::ClientSettings& client, const Domain& author,
                                bool in_store) {
  if (is_own(client, author, in_store)) return Authorship::own;
  if (client.foreign_from != config::ForeignFrom::refuse) return Authorship::foreign;
  return fail(Fault::author_not_allowed, author.text() + " by client " + client.name,
              refusal("From", author, client));
}

}  // namespace signet::authorise
