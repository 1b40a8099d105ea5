#include "relay/outlook.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace signet {
namespace {

using nlohmann::json;

constexpr const char* kNobody = "nobody";
constexpr std::size_t kMostNamed = 5;  // Kinds that an objection names.
constexpr std::string_view kRefused = "refused";

std::string plain(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// The value behind a JSON pointer, into the outlook, if it is there.
void take(const json& told, const char* pointer, const char* name, Outlook& into) {
  const json::json_pointer place(pointer);
  if (told.contains(place)) into[name] = plain(told.at(place));
}

void take_limits(const json& told, const char* pointer, Outlook& into) {
  const json::json_pointer place(pointer);
  if (!told.contains(place)) return;
  for (const auto& [name, value] : told.at(place).items()) into["limits." + name] = plain(value);
}

std::string outcome_of(const json& outcome) {
  if (outcome.value("accepted", false)) return plain(outcome.value("action", json("send")));
  return std::string(kRefused) + " (" + outcome.value("cause", "") +
         "): " + outcome.value("words", "");
}

std::string signers_of(const json& told) {
  const auto signatures = told.find("signatures");
  std::string signers;
  if (signatures != told.end()) {
    for (const json& each : *signatures)
      signers.append(signers.empty() ? "" : ", ").append(each.value("domain", ""));
  }
  return signers.empty() ? kNobody : signers;
}

std::string value_of(const Outlook& outlook, const std::string& name) {
  const auto found = outlook.find(name);
  return found == outlook.end() ? std::string() : found->second;
}

bool is_refused(const Outlook& outlook) {
  return value_of(outlook, "outcome").starts_with(kRefused);
}

/// Refused or put on hold.
bool is_kept_back(const Outlook& outlook) {
  return is_refused(outlook) || value_of(outlook, "outcome") == "hold";
}

/// Mail that another rule turns away is not unsigned: it is not sent.
bool is_unsigned(const Outlook& outlook) {
  const std::string outcome = value_of(outlook, "outcome");
  const bool turned_away = is_refused(outlook) &&
                           !outcome.starts_with("refused (domain_without_key)") &&
                           !outcome.starts_with("refused (not_aligned)");
  return value_of(outlook, "signed_by") == kNobody && !turned_away;
}

/// The kinds of which something is said, the first few by name.
class Named {
 public:
  void add(const RecentMail::Entry& entry) {
    if (count_++ >= kMostNamed) return;
    words_.append(words_.empty() ? "" : ", ").append(words_of(entry.kind));
    words_ += entry.messages > 0 ? fmt::format(" ({} in the last hour)", entry.messages)
                                 : std::string(" (configured)");
  }
  [[nodiscard]] bool none() const { return count_ == 0; }
  [[nodiscard]] std::string words() const {
    return count_ > kMostNamed ? fmt::format("{} and {} more", words_, count_ - kMostNamed)
                               : words_;
  }

 private:
  std::string words_;
  std::size_t count_ = 0;
};

Domain example_recipient(const config::RouteSettings& route) {
  if (!route.domains.empty()) return route.domains.front();
  Domain nowhere = *Domain::parse("elsewhere.invalid");
  if (route.is_default || route.subdomains_of.empty()) return nowhere;
  const auto below = Domain::parse("elsewhere." + route.subdomains_of.front().text());
  return below ? *below : nowhere;
}

json to_json(const authorise::Peer& peer) {
  json told{{"address", peer.address.to_string()},
            {"user", peer.user},
            {"certificate", peer.certificate_fingerprint},
            {"certificate_names", peer.certificate_names}};
  if (peer.unix_user) told["unix_user"] = *peer.unix_user;
  return told;
}

Result<authorise::Peer> peer_from_json(const json& told) {
  const auto address = IpAddress::parse(told.value("address", ""));
  if (!address) return address.failure();
  authorise::Peer peer{.address = *address,
                       .user = told.value("user", ""),
                       .certificate_fingerprint = told.value("certificate", "")};
  if (const auto names = told.find("certificate_names"); names != told.end())
    peer.certificate_names = names->get<std::vector<std::string>>();
  if (const auto uid = told.find("unix_user"); uid != told.end())
    peer.unix_user = uid->get<std::uint32_t>();
  return peer;
}

}  // namespace

Outlook outlook_of(const json& explanation) {
  Outlook outlook;
  outlook["client"] = "none";
  take(explanation, "/client/name", "client", outlook);
  outlook["outcome"] = outcome_of(explanation.at("outcome"));
  outlook["signed_by"] = signers_of(explanation);
  take(explanation, "/alignment/verdict", "verdict", outlook);
  take(explanation, "/alignment/configured/policy", "policy", outlook);
  take(explanation, "/recipients/0/route/name", "route", outlook);
  take(explanation, "/recipients/0/pool/name", "pool", outlook);
  take(explanation, "/recipients/0/tls/policy", "tls", outlook);
  take_limits(explanation, "/recipients/0/limits", outlook);
  take_limits(explanation, "/limits", outlook);
  return outlook;
}

OutlookChange compare_outlooks(const Outlook& before, const Outlook& after) {
  OutlookChange change{.differences = config::compare(before, after)};
  const bool is_let_go = is_kept_back(before) && !is_kept_back(after);
  change.becomes_unsigned =
      (value_of(before, "signed_by") != kNobody || is_let_go) && is_unsigned(after);
  change.becomes_misaligned =
      (value_of(before, "verdict") != "fail" || is_let_go) && value_of(after, "verdict") == "fail";
  change.becomes_refused = !is_refused(before) && is_refused(after);
  return change;
}

config::ReloadSettings either(const config::ReloadSettings& one,
                              const config::ReloadSettings& other) {
  return {.refuse_if_unsigned = one.refuse_if_unsigned || other.refuse_if_unsigned,
          .refuse_if_misaligned = one.refuse_if_misaligned || other.refuse_if_misaligned};
}

std::string objection_to(const std::vector<KindChange>& changes,
                         const config::ReloadSettings& rules) {
  Named unsigned_mail;
  Named misaligned;
  for (const auto& [entry, change] : changes) {
    if (rules.refuse_if_unsigned && change.becomes_unsigned) unsigned_mail.add(entry);
    if (rules.refuse_if_misaligned && change.becomes_misaligned) misaligned.add(entry);
  }
  std::string words;
  if (!unsigned_mail.none())
    words = "refuse_if_unsigned: unsigned would be mail of " + unsigned_mail.words();
  if (!misaligned.none())
    words.append(words.empty() ? "" : "; ")
        .append("refuse_if_misaligned: misaligned would be mail of " + misaligned.words());
  return words;
}

std::vector<MailKind> configured_kinds(const config::Settings& settings, std::size_t most) {
  std::vector<MailKind> kinds;
  for (const auto& client : settings.clients) {
    for (const Domain& domain : client.domains) {
      for (const auto& route : settings.routes) {
        if (kinds.size() == most) return kinds;
        kinds.push_back({.client = client.name,
                         .peer = {},
                         .author = domain,
                         .sender = domain,
                         .recipient = example_recipient(route)});
      }
    }
  }
  return kinds;
}

std::string words_of(const MailKind& kind) {
  return kind.author.text() + " by client " + kind.client + " to " + kind.recipient.text();
}

json to_json(const MailKind& kind) {
  json told{{"client", kind.client},
            {"author_domain", kind.author.text()},
            {"sender_domain", kind.sender ? json(kind.sender->text()) : json()},
            {"recipient_domain", kind.recipient.text()}};
  if (kind.peer) told["peer"] = to_json(*kind.peer);
  return told;
}

Result<MailKind> kind_from_json(const json& told) {
  const auto author = Domain::parse(told.value("author_domain", ""));
  if (!author) return author.failure();
  const auto recipient = Domain::parse(told.value("recipient_domain", ""));
  if (!recipient) return recipient.failure();
  MailKind kind{.client = told.value("client", ""),
                .peer = {},
                .author = *author,
                .sender = {},
                .recipient = *recipient};
  if (const auto sender = told.find("sender_domain"); sender != told.end() && sender->is_string()) {
    const auto domain = Domain::parse(sender->get<std::string>());
    if (!domain) return domain.failure();
    kind.sender = *domain;
  }
  if (const auto peer = told.find("peer"); peer != told.end()) {
    auto known = peer_from_json(*peer);
    if (!known) return known.failure();
    kind.peer = std::move(*known);
  }
  return kind;
}

}  // namespace signet
