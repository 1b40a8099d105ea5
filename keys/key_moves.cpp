#include "keys/key_moves.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

namespace signet::keys {
namespace {

using enum KeyState;

constexpr std::size_t kMaxMoves = 50;
constexpr std::size_t kRemembered = 10;

struct LegalMove {
  KeyState from;
  KeyState to;
};
constexpr std::array kLegal{
    LegalMove{generated, published}, LegalMove{generated, failed},   LegalMove{generated, deleted},
    LegalMove{published, published}, LegalMove{published, verified}, LegalMove{published, failed},
    LegalMove{published, revoked},   LegalMove{verified, active},    LegalMove{verified, failed},
    LegalMove{verified, revoked},    LegalMove{verified, canary},    LegalMove{canary, canary},
    LegalMove{canary, active},       LegalMove{canary, failed},      LegalMove{canary, revoked},
    LegalMove{active, retiring},     LegalMove{active, revoked},     LegalMove{active, failed},
    LegalMove{retiring, active},     LegalMove{retiring, revoked},   LegalMove{revoked, deleted},
    LegalMove{failed, revoked},      LegalMove{failed, deleted},     LegalMove{deleted, generated},
};

/// It is the last one, the first to its state in the key's present life, or the end of the life
/// before: that a selector lived before counts when answers of the DNS are remembered.
bool is_needed(const std::vector<Move>& moves, std::size_t at) {
  std::size_t life = moves.size() - 1;
  while (life > 0 && moves[life].to != generated) --life;
  if (at + 1 == moves.size() || at + 1 == life) return true;
  if (at < life) return false;
  const auto from = moves.begin() + static_cast<std::ptrdiff_t>(life);
  const auto to = moves.begin() + static_cast<std::ptrdiff_t>(at);
  return std::find_if(from, to, [&](const Move& move) { return move.to == to->to; }) == to;
}

/// The oldest move that is not needed; nothing when all are.
std::optional<std::size_t> spare_move(const KeyEntry& key) {
  for (std::size_t at = 0; at < key.moves.size(); ++at)
    if (!is_needed(key.moves, at)) return at;
  return std::nullopt;
}

void forget_move(KeyEntry& key) {
  const auto at = static_cast<std::ptrdiff_t>(spare_move(key).value_or(0));
  key.moves.erase(key.moves.begin() + at);
}

void note_move(KeyEntry& key, KeyState to, const Note& note) {
  key.state = to;
  key.share = 0;
  if (key.moves.size() >= kMaxMoves) forget_move(key);
  key.moves.push_back(
      {to, std::chrono::floor<std::chrono::seconds>(note.at), note.reason, note.by});
}

}  // namespace

bool is_legal(KeyState from, KeyState to) {
  return std::ranges::any_of(
      kLegal, [&](const LegalMove& move) { return move.from == from && move.to == to; });
}

Result<void> move_key(KeySet& keys, std::string_view selector, KeyState to, const Note& note) {
  KeyEntry* key = find_key(keys, selector);
  if (key == nullptr) return fail(Fault::not_found, "no selector " + std::string(selector));
  if (!is_legal(key->state, to)) {
    const std::string what = "selector " + key->selector + " is " +
                             std::string(name_of(key->state)) + " and can't become " +
                             std::string(name_of(to));
    return fail(Fault::key_state_wrong, what, what);
  }
  note_move(*key, to, note);
  return {};
}

Result<void> try_key(KeySet& keys, std::string_view selector, unsigned share, const Note& note) {
  if (const auto moved = move_key(keys, selector, canary, note); !moved) return moved;
  find_key(keys, selector)->share = share;
  return {};
}

Result<void> activate_key(KeySet& keys, std::string_view selector, const Note& note) {
  KeySet changed = keys;
  if (const auto moved = move_key(changed, selector, active, note); !moved) return moved;
  const KeyEntry& fresh = *find_key(changed, selector);
  for (KeyEntry& key : changed) {
    if (&key == &fresh || key.state != active || algorithm_of(key) != algorithm_of(fresh)) continue;
    note_move(key, retiring, {note.at, "replaced by " + fresh.selector, note.by});
  }
  keys = std::move(changed);
  return {};
}

Result<void> fall_back_to(KeySet& keys, std::string_view selector, const Note& note) {
  KeySet changed = keys;
  if (const auto moved = move_key(changed, selector, active, note); !moved) return moved;
  const KeyEntry& old = *find_key(changed, selector);
  for (KeyEntry& key : changed) {
    if (&key == &old || key.state != active || algorithm_of(key) != algorithm_of(old)) continue;
    note_move(key, failed, {note.at, "its record is wrong, back to " + old.selector, note.by});
  }
  keys = std::move(changed);
  return {};
}

Result<void> enter_key(KeySet& keys, KeyEntry entry, const Note& note) {
  const auto same = std::ranges::find_if(
      keys, [&](const KeyEntry& key) { return is_same_name(key.selector, entry.selector); });
  if (same != keys.end() && (same->selector == entry.selector || same->state == deleted)) {
    if (!is_legal(same->state, generated)) {
      return fail(Fault::key_state_wrong,
                  "selector " + entry.selector + " is " + std::string(name_of(same->state)));
    }
    entry.moves = std::move(same->moves);
    *same = std::move(entry);
    note_move(*same, generated, note);
    return {};
  }
  if (same != keys.end())
    return fail(Fault::key_state_wrong,
                "selector " + entry.selector + " is the DNS name of " + same->selector);
  note_move(entry, generated, note);
  keys.push_back(std::move(entry));
  return {};
}

void forget_old(KeySet& keys) {
  auto excess = static_cast<std::size_t>(std::ranges::count(keys, deleted, &KeyEntry::state));
  std::erase_if(keys, [&](const KeyEntry& key) {
    if (key.state != deleted || excess <= kRemembered) return false;
    --excess;
    return true;
  });
}

bool forget_move(KeySet& keys) {
  const auto most = std::ranges::max_element(keys, {}, [](const KeyEntry& key) {
    return std::pair(spare_move(key).has_value(), key.moves.size());
  });
  if (most == keys.end() || most->moves.size() < 2) return false;
  forget_move(*most);
  return true;
}

}  // namespace signet::keys
