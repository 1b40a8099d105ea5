// RecentMail: which kinds of mail were accepted in the last hour: what a new configuration is tried
// on before it comes into force.
//
// Metadata only, in memory, gone with the process. Bounded: of more than kMost kinds the one used
// longest ago is forgotten, and counted.
#pragma once

#include <array>
#include <chrono>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "relay/authorise/authoriser.hpp"

namespace signet {

/// Messages that every rule of the configuration treats alike.
struct MailKind {
  std::string client;                   ///< Its name when the mail came.
  std::optional<authorise::Peer> peer;  ///< The last that sent it; nothing: only the name is known.
  Domain author;                        ///< Of From as it was written, before [rewrite].
  std::optional<Domain> sender;         ///< Of MAIL FROM; nothing: the null sender.
  Domain recipient;
};

class RecentMail {
 public:
  static constexpr std::size_t kMost = 10'000;

  struct Entry {
    MailKind kind;
    std::uint64_t messages = 0;  ///< In the last hour, in steps of five minutes.
    WallTime last;
  };

  /// A message of that kind was accepted. Any thread.
  void note(const MailKind& kind, WallTime now);
  /// Those of the last hour, the last first. Any thread.
  [[nodiscard]] std::vector<Entry> list(WallTime now) const;
  /// Kinds that were forgotten before their hour was over, since the start. Any thread.
  [[nodiscard]] std::uint64_t forgotten() const;

 private:
  using Slot = std::int64_t;
  static constexpr std::size_t kSlots = 12;
  static constexpr std::chrono::minutes kSlotLength{5};
  struct Noted {
    std::string key;
    Entry entry;
    std::array<std::uint64_t, kSlots> counts{};
    Slot slot = 0;  // That of entry.last.
  };
  static Slot slot_of(WallTime time) { return time.time_since_epoch() / kSlotLength; }
  static void advance(Noted& noted, Slot slot);
  void forget_old(WallTime now);

  mutable std::mutex mutex_;
  std::list<Noted> by_use_;  // The last used first.
  // The keys view those of by_use_.
  std::unordered_map<std::string_view, std::list<Noted>::iterator> by_key_;
  std::uint64_t forgotten_ = 0;
};

}  // namespace signet
