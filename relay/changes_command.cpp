// `signet check --against-running`: what a new configuration would change in the relay that runs:
// settings, and the fate of the mail of the last hour.
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "config/description.hpp"
#include "relay/admin/relay_command.hpp"
#include "relay/commands.hpp"
#include "relay/offline_explainer.hpp"
#include "relay/rehearsal.hpp"
#include "relay/snapshot.hpp"

namespace signet::commands {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kLongest{30};  // For all questions to the DNS together.
constexpr std::size_t kMostListed = 5;        // Kinds of mail under the same change.

/// What the relay told of one kind of mail.
struct Told {
  RecentMail::Entry entry;
  json as_told;
  Outlook outlook;
};

json to_json(const config::SettingChange& change) {
  return {{"setting", change.name},
          {"running", change.before},
          {"new", change.after},
          {"counts_at", is_fixed_at_start(change.name) ? "restart" : "reload"}};
}

std::string words_of(const config::SettingChange& change) {
  return fmt::format("{}: {} -> {}", change.name,
                     change.before.empty() ? "(not there)" : change.before,
                     change.after.empty() ? "(gone)" : change.after);
}

Result<std::vector<Told>> read_recent(const json& recent) {
  std::vector<Told> all;
  for (const json& one : recent.at("mail")) {
    auto kind = kind_from_json(one);
    if (!kind) return kind.failure();
    const auto place = one.at("outlook").get<std::size_t>();
    all.push_back(
        {.entry = {.kind = std::move(*kind),
                   .messages = one.at("messages").get<std::uint64_t>(),
                   .last = {}},
         .as_told = one,
         .outlook = recent.at("outlooks").at(place).get<std::map<std::string, std::string>>()});
  }
  return all;
}

net::Task<void> look(OfflineExplainer& offline, std::shared_ptr<const config::Settings> settings,
                     std::vector<MailKind> kinds, Explainer::Judged judged,
                     std::vector<std::shared_ptr<const Outlook>>& outlooks) {
  outlooks = co_await outlooks_of(offline.explainer(), offline.loop(), std::move(settings),
                                  std::move(kinds), offline.clock().steady() + kLongest, judged);
}

/// In the order of `all`.
Result<std::vector<KindChange>> try_on(const std::vector<Told>& all,
                                       std::shared_ptr<const config::Settings> settings) {
  const auto offline = OfflineExplainer::open(settings);
  if (!offline) return offline.failure();
  std::vector<MailKind> kinds;
  kinds.reserve(all.size());
  for (const Told& told : all) kinds.push_back(told.entry.kind);
  std::vector<std::shared_ptr<const Outlook>> outlooks;
  const bool are_judged =
      std::ranges::any_of(all, [](const Told& told) { return told.outlook.contains("verdict"); });
  const auto judged = are_judged ? Explainer::Judged::always : Explainer::Judged::where_set;
  (*offline)->run(look(**offline, std::move(settings), std::move(kinds), judged, outlooks));
  std::vector<KindChange> changes;
  changes.reserve(all.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    changes.push_back({all[i].entry, compare_outlooks(all[i].outlook, *outlooks[i])});
  return changes;
}

json mail_json(const std::vector<Told>& all, const std::vector<KindChange>& changes) {
  json list = json::array();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const OutlookChange& change = changes[i].change;
    if (change.differences.empty()) continue;
    json one = all[i].as_told;
    one.erase("outlook");
    one.erase("peer");
    one["becomes_unsigned"] = change.becomes_unsigned;
    one["becomes_misaligned"] = change.becomes_misaligned;
    one["becomes_refused"] = change.becomes_refused;
    one["changes"] = json::array();
    for (const auto& each : change.differences)
      one["changes"].push_back(
          {{"what", each.name}, {"running", each.before}, {"new", each.after}});
    list.push_back(std::move(one));
  }
  return list;
}

std::string headline(const OutlookChange& change) {
  std::string words;
  const auto add = [&](bool is_so, const char* word) {
    if (is_so) words.append(words.empty() ? "" : ", ").append(word);
  };
  add(change.becomes_unsigned, "UNSIGNED");
  add(change.becomes_misaligned, "MISALIGNED");
  add(change.becomes_refused, "REFUSED");
  return words.empty() ? "mail would change:" : "mail would become " + words + ":";
}

/// Kinds under the same change stand together.
void print_mail(const std::vector<KindChange>& changes) {
  std::map<std::string, std::vector<const RecentMail::Entry*>> by_change;
  for (const auto& [entry, change] : changes) {
    if (change.differences.empty()) continue;
    std::string words = headline(change) + "\n";
    for (const auto& each : change.differences) words += "  " + words_of(each) + "\n";
    by_change[words].push_back(&entry);
  }
  for (const auto& [words, entries] : by_change) {
    fmt::print("{}", words);
    for (std::size_t i = 0; i < std::min(entries.size(), kMostListed); ++i) {
      const auto& [kind, messages, last] = *entries[i];
      fmt::print("    of {} ({})\n", signet::words_of(kind),
                 messages > 0 ? fmt::format("{} in the last hour", messages) : "configured");
    }
    if (entries.size() > kMostListed) fmt::print("    and {} more\n", entries.size() - kMostListed);
  }
}

config::ReloadSettings rules_of(const std::map<std::string, std::string>& settings) {
  const auto is_on = [&](const char* name) {
    const auto found = settings.find(name);
    return found != settings.end() && found->second == "true";
  };
  return {.refuse_if_unsigned = is_on("reload.refuse_if_unsigned"),
          .refuse_if_misaligned = is_on("reload.refuse_if_misaligned")};
}

/// Listeners go on as they were started: why the new configuration can't serve them, or nothing.
std::string listener_without_certificate(const std::map<std::string, std::string>& running,
                                         const config::Settings& settings) {
  if (!settings.tls.certificates.empty()) return {};
  for (const auto& [name, value] : running) {
    constexpr std::string_view kSection = "listen ";
    constexpr std::string_view kMember = ".tls";
    if (!name.starts_with(kSection) || !name.ends_with(kMember) || value == "none") continue;
    return needs_certificate(
        name.substr(kSection.size(), name.size() - kSection.size() - kMember.size()));
  }
  return {};
}

}  // namespace

int compare_with_running(const std::filesystem::path& config, const std::filesystem::path& socket,
                         bool as_json) {
  const auto settings = load_or_complain(config);
  if (!settings) return 2;
  if (!complain_of_files(config, settings).empty()) return 2;
  const admin::RelayPlace place{.command = "check", .config = config, .socket = socket};
  const auto running = admin::ask_relay(place, "GET", "/v1/config/settings", "");
  if (!running) return 2;
  const auto recent = admin::ask_relay(place, "GET", "/v1/mail/recent", "");
  if (!recent) return 2;
  const auto before = (*running)["settings"].get<std::map<std::string, std::string>>();
  const auto changes = config::compare(before, config::describe(*settings));
  const auto all = read_recent(*recent);
  const auto mail = all ? try_on(*all, settings) : all.failure();
  if (!mail) {
    fmt::print(stderr, "signet check: {}\n", mail.error().detail);
    return 2;
  }
  std::string objection = listener_without_certificate(before, *settings);
  if (objection.empty())
    objection = objection_to(*mail, either(rules_of(before), settings->reload));
  if (as_json) {
    json list = json::array();
    for (const auto& change : changes) list.push_back(to_json(change));
    const json told{{"changes", std::move(list)},
                    {"mail", mail_json(*all, *mail)},
                    {"forgotten", (*recent)["forgotten"]},
                    {"refused_because", objection.empty() ? json() : json(objection)}};
    fmt::print("{}\n", told.dump(-1, ' ', false, json::error_handler_t::replace));
    return objection.empty() ? 0 : 1;
  }
  for (const auto& change : changes)
    fmt::print("{}{}\n", words_of(change),
               is_fixed_at_start(change.name) ? " (counts at a restart)" : "");
  print_mail(*mail);
  if (changes.empty()) fmt::print("nothing would change\n");
  if (!objection.empty()) fmt::print("the reload would be refused: {}\n", objection);
  return objection.empty() ? 0 : 1;
}

}  // namespace signet::commands
