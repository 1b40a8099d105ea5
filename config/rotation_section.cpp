// [rotation].
#include <algorithm>

#include "config/sections.hpp"

namespace signet::config {
namespace {

/// "192.0.2.1" means port 53.
Result<Endpoint> parse_server(std::string_view text) {
  const auto address = IpAddress::parse(text);
  if (address) return Endpoint{*address, 53};
  return Endpoint::parse(text);
}

/// "HH:MM"
std::optional<minutes> parse_time_of_day(std::string_view text) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4))
    return std::nullopt;
  const int hour = (text[0] - '0') * 10 + (text[1] - '0');
  const int minute = (text[3] - '0') * 10 + (text[4] - '0');
  if (hour > 23 || minute > 59) return std::nullopt;
  return hours(hour) + minutes(minute);
}

void read_quiet_hours(Section& rotation, RotationSettings& into) {
  std::string text;
  rotation.text("quiet_hours", text);
  if (text.empty()) return;
  const auto dash = std::min(text.find('-'), text.size());
  const auto from = parse_time_of_day(std::string_view(text).substr(0, dash));
  const auto until =
      parse_time_of_day(std::string_view(text).substr(std::min(dash + 1, text.size())));
  if (!from || !until || *from == *until)
    return rotation.problem("quiet_hours", "is written \"22:00-06:00\" (UTC)");
  into.quiet_hours = std::pair{*from, *until};
}

/// A single label: it names a CNAME beside a customer's other names.
bool is_label(std::string_view text) {
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

void read_delegation(Section& rotation, RotationSettings& into) {
  rotation.domain("delegate_to", into.delegate_to);
  bool are_labels = true;
  rotation.texts("selectors", [&](const std::string& selector, Position) {
    are_labels = are_labels && is_label(selector) &&
                 std::ranges::find(into.selectors, selector) == into.selectors.end();
    into.selectors.push_back(selector);
  });
  if (into.selectors.empty() && into.delegate_to) into.selectors = {"s1", "s2"};
  if (!are_labels || into.selectors.size() == 1)
    return rotation.problem("selectors", "are two or more different names such as \"s1\"");
  if (!into.selectors.empty() && !into.delegate_to)
    rotation.problem("selectors", "count only with 'delegate_to'");
}

void read_update(Section& rotation, RotationSettings& into) {
  Endpoint server;
  rotation.parsed("server", server, &parse_server, kAnEndpoint);
  if (rotation.has("server")) into.server = server;
  rotation.domain("zone", into.zone);
  rotation.text("key_name", into.key_name);
  rotation.choice<std::string>(
      "key_algorithm", into.key_algorithm,
      {{"hmac-sha256", "hmac-sha256"}, {"hmac-sha512", "hmac-sha512"}, {"hmac-sha1", "hmac-sha1"}});
  rotation.path("key_file", into.key_file);
  if (into.publisher != RotationSettings::Publisher::rfc2136) return;
  if (!into.server || into.key_name.empty() || into.key_file.empty())
    rotation.problem("publisher",
                     "is \"rfc2136\", which needs 'server', 'key_name' and 'key_file'");
}

void read_command(Section& rotation, RotationSettings& into) {
  rotation.texts("command",
                 [&](const std::string& word, Position) { into.command.push_back(word); });
  rotation.duration("timeout", into.timeout);
  const bool is_absolute = !into.command.empty() && into.command.front().starts_with('/');
  if (into.publisher == RotationSettings::Publisher::command && !is_absolute)
    rotation.problem("publisher", "is \"command\", which needs 'command' with an absolute path");
}

}  // namespace

void read_rotation(Section& root, Settings& settings) {
  root.table("rotation", [&](Section& rotation) {
    RotationSettings& into = settings.rotation;
    using Publisher = RotationSettings::Publisher;
    using Proof = RotationSettings::Proof;
    rotation.choice("publisher", into.publisher,
                    {{"none", Publisher::none},
                     {"manual", Publisher::manual},
                     {"rfc2136", Publisher::rfc2136},
                     {"command", Publisher::command}});
    rotation.choice("proof", into.proof,
                    {{"authoritative", Proof::authoritative}, {"resolvers", Proof::resolvers}});
    rotation.list<Endpoint>("resolvers", &parse_server, kAnEndpoint,
                            [&](Endpoint server, Position) { into.resolvers.push_back(server); });
    rotation.count("authoritative_port", into.authoritative_port, std::uint16_t{1});
    rotation.duration("interval", into.interval);
    rotation.duration("jitter", into.jitter, seconds(0));
    rotation.duration("slack", into.slack);
    rotation.duration("revoked_for", into.revoked_for);
    rotation.duration("poll", into.poll);
    rotation.duration("look_every", into.look_every);
    rotation.duration("give_up", into.give_up);
    rotation.duration("ttl", into.ttl);
    rotation.count("at_once", into.at_once, 1U);
    rotation.flag("fall_back", into.fall_back);
    rotation.flag("canary", into.canary);
    rotation.duration("canary_stage", into.canary_stage);
    rotation.count("canary_deliveries", into.canary_deliveries, 1U);
    read_quiet_hours(rotation, into);
    read_delegation(rotation, into);
    read_update(rotation, into);
    read_command(rotation, into);
  });
}

}  // namespace signet::config
