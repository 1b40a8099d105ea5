#include "relay/rehearsal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "keys/key_set.hpp"

namespace signet {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kLongest{30};  // For all questions to the DNS together.
constexpr std::size_t kMostConfigured = 2'000;

std::string text_of(const std::optional<Domain>& domain) {
  return domain ? domain->text() : std::string();
}

/// The same for kinds that no rule of `settings` tells apart.
std::string key_of(const MailKind& kind, const config::Settings& settings) {
  const auto* client = kind.peer ? authorise::find_client(settings, *kind.peer) : nullptr;
  const auto* route = route::find_route(settings, kind.recipient);
  return fmt::format("{}\n{}\n{}\n{}\n{}", kind.peer ? "peer" : kind.client,
                     client == nullptr ? "" : client->name, kind.author.text(),
                     text_of(kind.sender), route == nullptr ? "" : route->name);
}

std::vector<MailKind> kinds_of(const std::vector<RecentMail::Entry>& entries) {
  std::vector<MailKind> kinds;
  kinds.reserve(entries.size());
  for (const auto& entry : entries) kinds.push_back(entry.kind);
  return kinds;
}

}  // namespace

net::Task<std::vector<std::shared_ptr<const Outlook>>> outlooks_of(
    Explainer& explainer, net::Loop& loop, std::shared_ptr<const config::Settings> settings,
    std::vector<MailKind> kinds, SteadyTime deadline, Explainer::Judged judged) {
  std::map<std::string, std::shared_ptr<const Outlook>> known;
  std::vector<std::shared_ptr<const Outlook>> outlooks;
  for (const MailKind& kind : kinds) {
    co_await loop.turn();
    const std::string key = key_of(kind, *settings);
    auto found = known.find(key);
    if (found == known.end()) {
      auto outlook = co_await explainer.outlook(settings, kind, deadline, judged);
      // Shared by all the kinds that it is true of.
      found = known.emplace(key, std::make_shared<const Outlook>(std::move(outlook))).first;
    }
    outlooks.push_back(found->second);
  }
  co_return outlooks;
}

std::vector<RecentMail::Entry> Rehearsal::entries(const config::Settings& settings) const {
  auto entries = services_.recent_mail.list(services_.clock.now());
  std::set<std::string> sent;
  const auto name_of = [&](const MailKind& kind) {
    const auto* route = route::find_route(settings, kind.recipient);
    return kind.client + "\n" + kind.author.text() + "\n" + (route == nullptr ? "" : route->name);
  };
  for (const auto& entry : entries) sent.insert(name_of(entry.kind));
  for (MailKind& kind : configured_kinds(settings, kMostConfigured)) {
    if (sent.insert(name_of(kind)).second)
      entries.push_back({.kind = std::move(kind), .messages = 0, .last = {}});
  }
  return entries;
}

net::Task<json> Rehearsal::recent() {
  const auto settings = services_.current.get()->settings;
  const auto all = entries(*settings);
  const auto outlooks =
      co_await outlooks_of(explainer_, loop_, settings, kinds_of(all),
                           services_.clock.steady() + kLongest, Explainer::Judged::where_set);
  json told{{"mail", json::array()},
            {"outlooks", json::array()},
            {"forgotten", services_.recent_mail.forgotten()}};
  std::map<const Outlook*, std::size_t> places;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto [place, is_new] = places.emplace(outlooks[i].get(), places.size());
    if (is_new) told["outlooks"].push_back(*outlooks[i]);
    json one = to_json(all[i].kind);
    one["messages"] = all[i].messages;
    one["last"] = all[i].messages > 0 ? json(keys::format_time(all[i].last)) : json();
    one["outlook"] = place->second;
    told["mail"].push_back(std::move(one));
  }
  co_return told;
}

net::Task<std::string> Rehearsal::objection(std::shared_ptr<const config::Settings> next) {
  const auto running = services_.current.get()->settings;
  const auto rules = either(running->reload, next->reload);
  if (!rules.refuse_if_unsigned && !rules.refuse_if_misaligned) co_return std::string();
  const SteadyTime deadline = services_.clock.steady() + kLongest;
  auto all = entries(*running);
  const auto kinds = kinds_of(all);
  using enum Explainer::Judged;
  const auto before = co_await outlooks_of(explainer_, loop_, running, kinds, deadline, where_set);
  const auto after = co_await outlooks_of(explainer_, loop_, next, kinds, deadline,
                                          running->alignment.enabled ? always : where_set);
  std::vector<KindChange> changes;
  changes.reserve(all.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    changes.push_back({std::move(all[i]), compare_outlooks(*before[i], *after[i])});
  co_return objection_to(changes, rules);
}

}  // namespace signet
