#include "relay/admin/request_body.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "relay/admin/harmless_text.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

Failure refuse(const std::string& why) { return fail(Fault::bad_parameter, why, why); }

std::string names_of(std::span<const Member> members) {
  std::string names;
  for (const Member& member : members) {
    names.append(names.empty() ? "" : ", ").append(member.name);
  }
  return names.empty() ? "it takes none" : "it takes " + names;
}

bool is_plain_text(std::string_view text, bool has_lines) {
  return text.size() <= (has_lines ? kMaxLines : kMaxText) && is_harmless(text, has_lines);
}

/// Parses, and tells of a member that is given twice (RFC 8259 4: names should be unique).
json parse_unique(std::string_view text, bool& is_unique) {
  std::set<std::string> names;
  return json::parse(
      text,
      [&](int depth, json::parse_event_t event, json& parsed) {
        if (event == json::parse_event_t::key && depth == 1) {
          is_unique = names.insert(parsed.get<std::string>()).second && is_unique;
        }
        return true;
      },
      false);
}

}  // namespace

std::string RequestBody::text(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string() : std::get<std::string>(found->second);
}

bool RequestBody::flag(std::string_view name) const {
  const auto found = values_.find(name);
  return found != values_.end() && std::get<bool>(found->second);
}

Result<RequestBody> parse_body(std::string_view text, std::span<const Member> members) {
  RequestBody body;
  if (text.empty()) return body;
  bool is_unique = true;
  const json parsed = parse_unique(text, is_unique);
  if (!parsed.is_object() || text.contains('\0'))  // Which the parser takes for the end.
    return refuse("the body is not a JSON object");
  if (!is_unique) return refuse("the body gives a member twice");
  for (const auto& [name, value] : parsed.items()) {
    const auto member = std::ranges::find(members, name, &Member::name);
    if (member == members.end())
      return refuse("the body has a member that is not known here: " + names_of(members));
    const std::string known(member->name);
    if (member->kind == Member::Kind::flag) {
      if (!value.is_boolean()) return refuse("'" + known + "' is true or false");
      body.values_.emplace(known, value.get<bool>());
    } else {
      const bool has_lines = member->kind == Member::Kind::lines;
      if (!value.is_string() || !is_plain_text(value.get_ref<const std::string&>(), has_lines))
        return refuse("'" + known + "' is a string of at most " +
                      std::to_string(has_lines ? kMaxLines : kMaxText) +
                      " octets without control characters");
      body.values_.emplace(known, value.get<std::string>());
    }
  }
  return body;
}

}  // namespace signet::admin
