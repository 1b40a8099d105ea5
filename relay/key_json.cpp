#include "relay/key_json.hpp"

#include <nlohmann/json.hpp>

#include "keys/key_record.hpp"

namespace signet {

using nlohmann::json;

namespace {

/// Those of a delegated domain: name -> target.
keys::Rotator::Aliases aliases_of(const keys::Rotator& rotator, const Domain& domain) {
  auto aliases = rotator.aliases_of(domain);
  return aliases ? std::move(*aliases) : keys::Rotator::Aliases();
}

}  // namespace

json describe_key(const keys::Rotator& rotator, const Domain& domain, const keys::KeyEntry& key) {
  json result{{"selector", key.selector}, {"state", keys::name_of(key.state)}};
  if (key.algorithm) result["algorithm"] = keys::name_of(*key.algorithm);
  if (!key.fingerprint.empty()) result["fingerprint"] = key.fingerprint;
  if (key.share != 0) result["share"] = key.share;
  if (const auto since = key.since()) result["since"] = keys::format_time(*since);
  if (key.legacy_until) result["legacy_until"] = keys::format_time(*key.legacy_until);
  auto place = keys::record_name(domain, key.selector);
  result["name"] = place;
  for (const auto& [name, target] : aliases_of(rotator, domain))
    if (keys::is_same_name(name, place)) result["cname"] = place = target;
  const bool has_record =
      key.state != keys::KeyState::deleted && key.state != keys::KeyState::failed;
  const auto record = rotator.record_of(domain, key);
  if (has_record && record) {
    result["record"] = *record;
    result["strings"] = keys::character_strings(*record);
    result["zone"] = keys::txt_line(place, *record);
    const auto publishes = rotator.publishes(domain, key.selector);
    if (publishes && !*publishes) result["by_hand"] = true;
  }
  if (has_record && !record) result["problem"] = record.error().detail;
  json moves = json::array();
  for (const auto& move : key.moves)
    moves.push_back({{"to", keys::name_of(move.to)},
                     {"at", keys::format_time(move.at)},
                     {"reason", move.reason},
                     {"by", move.by}});
  result["moves"] = std::move(moves);
  return result;
}

json describe_due(const keys::Due& due) {
  if (due.step == keys::Step::nothing) return nullptr;
  return {{"step", keys::name_of(due.step)},
          {"selector", due.selector},
          {"at", keys::format_time(due.at)},
          {"reason", due.reason}};
}

json describe_keys(const keys::Rotator& rotator, const Domain& domain,
                   const keys::Rotator::Report& report) {
  json all = json::array();
  for (const auto& key : report.keys) {
    json described = describe_key(rotator, domain, key);
    if (const auto tally = report.tallies.find(key.selector); tally != report.tallies.end())
      described["tally"] = {{"delivered", tally->second.delivered},
                            {"refused_for_dkim", tally->second.refused}};
    all.push_back(std::move(described));
  }
  json described{
      {"domain", domain.text()}, {"keys", std::move(all)}, {"next", describe_due(report.next)}};
  json aliases = json::array();
  for (const auto& [name, target] : aliases_of(rotator, domain))
    aliases.push_back({{"name", name}, {"target", target}});
  if (!aliases.empty()) described["cnames"] = std::move(aliases);
  return described;
}

report::Fact key_fact(const Domain& domain, const keys::KeyEntry& key, keys::KeyState from,
                      WallTime now) {
  return report::Fact("key", now)
      .with("domain", domain.text())
      .with("selector", key.selector)
      .with("from", keys::name_of(from))
      .with("to", keys::name_of(key.state))
      .with("reason", key.moves.back().reason)
      .with("by", key.moves.back().by);
}

}  // namespace signet
