#include "keys/key_set.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "config/document.hpp"
#include "config/quantity.hpp"
#include "keys/letter_case.hpp"

namespace signet::keys {
namespace {

using config::Entry;
using config::Position;
using config::Table;
using config::Value;

constexpr std::size_t kMaxMoves = 50;

constexpr std::array<std::string_view, kKeyStates> kStates{"generated", "published", "verified",
                                                           "canary",    "active",    "retiring",
                                                           "revoked",   "deleted",   "failed"};

Failure refuse(Position where, std::string_view why) {
  return fail(Fault::key_unavailable,
              "line " + std::to_string(std::max(where.line, 1U)) + ": " + std::string(why));
}

Failure unknown(const Entry& entry) {
  return refuse(entry.where, "unknown or of the wrong type: " + entry.key);
}

Result<KeyState> read_state(const Value& value) {
  const auto found = std::ranges::find(kStates, std::string_view(std::get<std::string>(value.of)));
  if (found == kStates.end()) return refuse(value.where, "unknown state");
  return static_cast<KeyState>(found - kStates.begin());
}

Result<WallTime> read_time(const Value& value) {
  const auto time = parse_time(std::get<std::string>(value.of));
  if (!time) return refuse(value.where, "a time is written 2026-11-25T19:00:00Z");
  return *time;
}

/// The tables of an array of tables; nothing for anything else.
std::optional<std::vector<const Value*>> tables_of(const Value& value) {
  const auto* list = std::get_if<config::Array>(&value.of);
  if (list == nullptr) return std::nullopt;
  std::vector<const Value*> tables;
  for (const Value& element : *list) {
    if (!std::holds_alternative<Table>(element.of)) return std::nullopt;
    tables.push_back(&element);
  }
  return tables;
}

Result<Move> read_move(const Value& value) {
  Move move;
  bool has_to = false;
  bool has_at = false;
  for (const Entry& entry : std::get<Table>(value.of).entries) {
    if (!std::holds_alternative<std::string>(entry.value.of)) return unknown(entry);
    const auto& text = std::get<std::string>(entry.value.of);
    if (entry.key == "to") {
      const auto state = read_state(entry.value);
      if (!state) return state.failure();
      move.to = *state;
      has_to = true;
    } else if (entry.key == "at") {
      const auto time = read_time(entry.value);
      if (!time) return time.failure();
      move.at = *time;
      has_at = true;
    } else if (entry.key == "reason") {
      move.reason = text;
    } else if (entry.key == "by") {
      move.by = text;
    } else {
      return unknown(entry);
    }
  }
  if (!has_to || !has_at) return refuse(value.where, "a move needs 'to' and 'at'");
  return move;
}

Result<void> read_moves(const Entry& entry, KeyEntry& into) {
  const auto moves = tables_of(entry.value);
  if (!moves) return unknown(entry);
  if (moves->size() > kMaxMoves) return refuse(entry.where, "over 50 moves");
  for (const Value* value : *moves) {
    auto move = read_move(*value);
    if (!move) return move.failure();
    into.moves.push_back(std::move(*move));
  }
  return {};
}

Result<void> read_share(const Entry& entry, KeyEntry& into) {
  const auto* percent = std::get_if<std::int64_t>(&entry.value.of);
  if (percent == nullptr || *percent < 1 || *percent > 99)
    return refuse(entry.where, "share is a whole number of percent, 1 to 99");
  into.share = static_cast<unsigned>(*percent);
  return {};
}

Result<void> read_text(const Entry& entry, KeyEntry& into, bool& has_state) {
  const auto& text = std::get<std::string>(entry.value.of);
  if (entry.key == "selector") {
    into.selector = text;
  } else if (entry.key == "fingerprint") {
    into.fingerprint = text;
  } else if (entry.key == "state") {
    const auto state = read_state(entry.value);
    if (!state) return state.failure();
    into.state = *state;
    has_state = true;
  } else if (entry.key == "algorithm") {
    if (text == name_of(Algorithm::rsa)) into.algorithm = Algorithm::rsa;
    if (text == name_of(Algorithm::ed25519)) into.algorithm = Algorithm::ed25519;
    if (!into.algorithm) return refuse(entry.value.where, "unknown algorithm");
  } else if (entry.key == "legacy_until") {
    const auto time = read_time(entry.value);
    if (!time) return time.failure();
    into.legacy_until = *time;
  } else {
    return unknown(entry);
  }
  return {};
}

/// `legacy` alone has no end, and false beside an end says two things.
Result<void> agree(std::optional<bool> is_legacy, std::optional<WallTime> until, Position where) {
  if (is_legacy == true && !until)
    return refuse(where, "legacy needs an end: legacy_until = \"2027-06-30T00:00:00Z\"");
  if (is_legacy == false && until)
    return refuse(where, "legacy = false beside legacy_until: take out one of them");
  return {};
}

Result<KeyEntry> read_entry(const Value& value) {
  KeyEntry key;
  bool has_state = false;
  std::optional<bool> is_legacy;
  for (const Entry& entry : std::get<Table>(value.of).entries) {
    Result<void> read;
    if (std::holds_alternative<std::string>(entry.value.of)) {
      read = read_text(entry, key, has_state);
    } else if (entry.key == "legacy" && std::holds_alternative<bool>(entry.value.of)) {
      is_legacy = std::get<bool>(entry.value.of);
    } else if (entry.key == "share") {
      read = read_share(entry, key);
    } else if (entry.key == "move") {
      read = read_moves(entry, key);
    } else {
      read = unknown(entry);
    }
    if (!read) return read.failure();
  }
  if (!is_selector(key.selector)) return refuse(value.where, "no selector, or a bad one");
  if (!has_state) return refuse(value.where, "no state");
  if (auto agreed = agree(is_legacy, key.legacy_until, value.where); !agreed)
    return agreed.failure();
  if ((key.state == KeyState::canary) != (key.share != 0))
    return refuse(value.where, "a canary, and nothing else, has a share of the mail");
  if (!key.moves.empty() && key.moves.back().to != key.state) {
    return refuse(value.where, "selector " + key.selector + " is said to be " +
                                   std::string(name_of(key.state)) + ", but its last move led to " +
                                   std::string(name_of(key.moves.back().to)));
  }
  return key;
}

Result<void> read_rotation(const Entry& section, DomainRules& rules) {
  for (const Entry& entry : std::get<Table>(section.value.of).entries) {
    const auto* text = std::get_if<std::string>(&entry.value.of);
    if (entry.key == "enabled" && std::holds_alternative<bool>(entry.value.of)) {
      rules.rotates = std::get<bool>(entry.value.of);
    } else if (entry.key == "delegated" && std::holds_alternative<bool>(entry.value.of)) {
      rules.delegated = std::get<bool>(entry.value.of);
    } else if (entry.key == "canary" && std::holds_alternative<bool>(entry.value.of)) {
      rules.canary = std::get<bool>(entry.value.of);
    } else if (entry.key == "interval" && text != nullptr) {
      const auto interval = config::parse_duration(*text);
      if (!interval || *interval < std::chrono::seconds(1))
        return refuse(entry.value.where, "no duration, such as \"90d\"");
      rules.interval = std::chrono::duration_cast<std::chrono::seconds>(*interval);
    } else {
      return unknown(entry);
    }
  }
  return {};
}

Result<void> read_policy(const Entry& section, DomainRules& rules) {
  for (const Entry& entry : std::get<Table>(section.value.of).entries) {
    const auto* text = std::get_if<std::string>(&entry.value.of);
    const bool is_known = entry.key == "alignment" && text != nullptr;
    if (is_known) rules.alignment = parse_alignment_policy(*text);
    if (!is_known || !rules.alignment)
      return refuse(entry.where, "[policy] knows alignment = auto, observe, tag, hold, refuse");
  }
  return {};
}

/// A TOML basic string, which a JSON string without control characters is. What is not UTF-8
/// becomes U+FFFD: a path may hold it.
std::string quote(std::string_view text) {
  std::string plain(text);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; };
  std::ranges::replace_if(plain, is_control, ' ');
  return nlohmann::json(std::move(plain))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void add_line(std::string& text, std::string_view key, std::string_view value) {
  text.append(key).append(" = ").append(quote(value)).append("\n");
}

}  // namespace

std::optional<WallTime> KeyEntry::since() const {
  if (moves.empty()) return std::nullopt;
  return moves.back().at;
}

std::optional<WallTime> KeyEntry::first(KeyState to) const {
  std::optional<WallTime> found;
  for (const Move& move : moves) {
    if (move.to == KeyState::generated) found.reset();
    if (move.to == to && !found) found = move.at;
  }
  return found;
}

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

bool is_same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

bool is_among(const std::vector<std::string>& selectors, std::string_view selector) {
  return std::ranges::any_of(selectors,
                             [&](const auto& each) { return is_same_name(each, selector); });
}

KeyEntry* find_key(KeySet& keys, std::string_view selector) {
  const auto found = std::ranges::find(keys, selector, &KeyEntry::selector);
  return found == keys.end() ? nullptr : &*found;
}

const KeyEntry* find_key(const KeySet& keys, std::string_view selector) {
  const auto found = std::ranges::find(keys, selector, &KeyEntry::selector);
  return found == keys.end() ? nullptr : &*found;
}

const KeyEntry* find_same_name(const KeySet& keys, std::string_view selector) {
  const auto found = std::ranges::find_if(
      keys, [&](const KeyEntry& key) { return is_same_name(key.selector, selector); });
  return found == keys.end() ? nullptr : &*found;
}

Result<KeySet> parse_key_set(std::string_view toml) {
  const auto parsed = config::parse_document(toml);
  if (!parsed.error.empty()) return refuse(parsed.error_at, parsed.error);
  KeySet keys;
  for (const Entry& entry : parsed.root.entries) {
    const auto list = entry.key == "key" ? tables_of(entry.value) : std::nullopt;
    if (!list) return refuse(entry.where, "only [[key]] is known here");
    if (list->size() > kMaxKeys) return refuse(entry.where, "over 100 keys");
    for (const Value* value : *list) {
      auto key = read_entry(*value);
      if (!key) return key.failure();
      if (find_same_name(keys, key->selector) != nullptr)
        return refuse(value->where, "selector " + key->selector + " twice");
      keys.push_back(std::move(*key));
    }
  }
  if (keys.empty()) return refuse({}, "no [[key]] in it");
  return keys;
}

Result<DomainRules> parse_domain_rules(std::string_view toml) {
  const auto parsed = config::parse_document(toml);
  if (!parsed.error.empty()) return refuse(parsed.error_at, parsed.error);
  DomainRules rules;
  std::optional<bool> is_legacy;
  Position legacy_at;
  for (const Entry& entry : parsed.root.entries) {
    if (entry.key == "profile" && std::holds_alternative<std::string>(entry.value.of)) {
      const std::string_view name = std::get<std::string>(entry.value.of);
      if (name != "standard" && name != "bulk") return refuse(entry.where, "unknown profile");
      rules.profile = name == "bulk" ? Profile::bulk : Profile::standard;
    } else if (entry.key == "legacy" && std::holds_alternative<bool>(entry.value.of)) {
      is_legacy = std::get<bool>(entry.value.of);
      legacy_at = entry.where;
    } else if (entry.key == "legacy_until" && std::holds_alternative<std::string>(entry.value.of)) {
      const auto time = read_time(entry.value);
      if (!time) return time.failure();
      rules.legacy_until = *time;
    } else if (entry.key == "rotation" && std::holds_alternative<Table>(entry.value.of)) {
      if (const auto read = read_rotation(entry, rules); !read) return read.failure();
    } else if (entry.key == "policy" && std::holds_alternative<Table>(entry.value.of)) {
      if (const auto read = read_policy(entry, rules); !read) return read.failure();
    } else {
      return unknown(entry);
    }
  }
  if (auto agreed = agree(is_legacy, rules.legacy_until, legacy_at); !agreed)
    return agreed.failure();
  return rules;
}

std::string format_key_set(const KeySet& keys) {
  std::string text;
  for (const KeyEntry& key : keys) {
    text += "[[key]]\n";
    add_line(text, "selector", key.selector);
    add_line(text, "state", name_of(key.state));
    if (key.share != 0) text += "share = " + std::to_string(key.share) + "\n";
    if (key.algorithm) add_line(text, "algorithm", name_of(*key.algorithm));
    if (!key.fingerprint.empty()) add_line(text, "fingerprint", key.fingerprint);
    if (key.legacy_until) add_line(text, "legacy_until", format_time(*key.legacy_until));
    for (const Move& move : key.moves) {
      text += "[[key.move]]\n";
      add_line(text, "to", name_of(move.to));
      add_line(text, "at", format_time(move.at));
      if (!move.reason.empty()) add_line(text, "reason", move.reason);
      if (!move.by.empty()) add_line(text, "by", move.by);
    }
    text += "\n";
  }
  return text;
}

std::string format_time(WallTime time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<seconds>(time - day));
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

std::optional<WallTime> parse_time(std::string_view text) {
  using namespace std::chrono;
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:ddZ";
  if (text.size() != kShape.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == 'd' ? !digit : text[i] != kShape[i]) return std::nullopt;
  }
  const auto number = [text](std::size_t at, std::size_t size) {
    int value = 0;
    for (const char c : text.substr(at, size)) value = value * 10 + (c - '0');
    return value;
  };
  const year_month_day date(year(number(0, 4)), month(static_cast<unsigned>(number(5, 2))),
                            day(static_cast<unsigned>(number(8, 2))));
  const int hour = number(11, 2);
  const int minute = number(14, 2);
  const int second = number(17, 2);
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  return WallTime(sys_days(date)) + hours(hour) + minutes(minute) + seconds(second);
}

}  // namespace signet::keys
