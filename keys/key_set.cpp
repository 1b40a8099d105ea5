#include "keys/key_set.hpp"

#include <algorithm>
#include <array>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace signet::keys {
namespace {

constexpr std::size_t kMaxKeys = 100;

constexpr std::array<std::string_view, 6> kStates{"generated", "published", "verified",
                                                  "active",    "retiring",  "revoked"};

Failure refuse(const toml::source_region& where, std::string_view why) {
  return fail(Fault::key_unavailable,
              "line " + std::to_string(where.begin.line) + ": " + std::string(why));
}

Result<KeyEntry> read_entry(const toml::table& table) {
  KeyEntry entry;
  bool has_state = false;
  for (const auto& [key, node] : table) {
    if (key == "selector" && node.is_string()) {
      entry.selector = **node.as_string();
    } else if (key == "state" && node.is_string()) {
      const auto found = std::ranges::find(kStates, std::string_view(**node.as_string()));
      if (found == kStates.end()) return refuse(node.source(), "unknown state");
      entry.state = static_cast<KeyState>(found - kStates.begin());
      has_state = true;
    } else if (key == "legacy" && node.is_boolean()) {
      entry.legacy = **node.as_boolean();
    } else {
      return refuse(node.source(), "unknown or of the wrong type: " + std::string(key.str()));
    }
  }
  if (!is_selector(entry.selector)) return refuse(table.source(), "no selector, or a bad one");
  if (!has_state) return refuse(table.source(), "no state");
  return entry;
}

}  // namespace

std::string_view name_of(KeyState state) { return kStates[static_cast<std::size_t>(state)]; }

bool is_selector(std::string_view text) {
  if (text.empty() || text.size() > 200) return false;
  std::size_t label = 0;
  for (const char c : text) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
    if (!good || ++label > 63) return false;
  }
  return label != 0;
}

Result<std::vector<KeyEntry>> parse_key_set(std::string_view toml) {
  const auto parsed = toml::parse(toml);
  if (!parsed) return refuse(parsed.error().source(), parsed.error().description());
  std::vector<KeyEntry> entries;
  for (const auto& [key, node] : parsed.table()) {
    const auto* list = key == "key" ? node.as_array() : nullptr;
    if (list == nullptr || !list->is_homogeneous<toml::table>())
      return refuse(node.source(), "only [[key]] is known here");
    if (list->size() > kMaxKeys) return refuse(node.source(), "over 100 keys");
    for (const auto& element : *list) {
      auto entry = read_entry(*element.as_table());
      if (!entry) return entry.failure();
      if (std::ranges::find(entries, entry->selector, &KeyEntry::selector) != entries.end())
        return refuse(element.source(), "selector " + entry->selector + " twice");
      entries.push_back(std::move(*entry));
    }
  }
  return entries;
}

Result<DomainRules> parse_domain_rules(std::string_view toml) {
  const auto parsed = toml::parse(toml);
  if (!parsed) return refuse(parsed.error().source(), parsed.error().description());
  DomainRules rules;
  for (const auto& [key, node] : parsed.table()) {
    if (key == "profile" && node.is_string()) {
      const std::string_view name = **node.as_string();
      if (name != "standard" && name != "bulk") return refuse(node.source(), "unknown profile");
      rules.profile = name == "bulk" ? Profile::bulk : Profile::standard;
    } else if (key == "legacy" && node.is_boolean()) {
      rules.legacy = **node.as_boolean();
    } else if (key == "policy" && node.is_table()) {
      for (const auto& [name, value] : *node.as_table()) {
        const auto* text = name == "alignment" ? value.as_string() : nullptr;
        if (text != nullptr) rules.alignment = parse_alignment_policy(**text);
        if (!rules.alignment)
          return refuse(value.source(),
                        "[policy] knows alignment = auto, observe, tag, hold, refuse");
      }
    } else {
      return refuse(node.source(), "unknown or of the wrong type: " + std::string(key.str()));
    }
  }
  return rules;
}

std::string format_key_set(const std::vector<KeyEntry>& entries) {
  std::string text;
  for (const auto& entry : entries) {
    text += "[[key]]\nselector = \"" + entry.selector + "\"\nstate = \"" +
            std::string(name_of(entry.state)) + "\"\n";
    if (entry.legacy) text += "legacy = true\n";
    text += "\n";
  }
  return text;
}

}  // namespace signet::keys
