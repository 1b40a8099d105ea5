// What the commands under `signet keys` share: their exit statuses, the store they work on, and the
// audit line of each change: who, what, when, from where. The same file, and the same fact, as the
// relay writes.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "keys/key_set.hpp"
#include "relay/report/delivery_log.hpp"

namespace signet::commands {

inline constexpr int kKeysRefused =
    1;                                 ///< No such key, or its state, the DNS or a rule forbids it.
inline constexpr int kKeysBroken = 2;  ///< Configuration, store or publisher.
/// Says it on standard error and gives the exit status that goes with it.
int complain_of(const Error& error);

/// From the file, or for a store alone; null: the file's problems were said.
[[nodiscard]] std::shared_ptr<const config::Settings> key_settings(
    const std::filesystem::path& file, const std::filesystem::path& store);
/// Every domain of the store, or the one that is named. Blocks.
[[nodiscard]] Result<std::vector<Domain>> domains_of(const std::string& name,
                                                     const config::Settings& settings);

/// Who gives an order on the command line, for keysets and the log: "uid 0 (command line)".
[[nodiscard]] std::string who();

class KeyAudit {
 public:
  /// Without a delivery log in a file (a store alone, or standard output) nothing is written: the
  /// keyset keeps the moves.
  explicit KeyAudit(const config::Settings& settings);
  /// The key's last move.
  void moved(const Domain& domain, const keys::KeyEntry& key, keys::KeyState from);
  /// What is no move: "exported".
  void deed(const Domain& domain, const std::string& selector, std::string_view deed,
            std::string_view reason);

 private:
  std::unique_ptr<report::DeliveryLog> log_;
};

}  // namespace signet::commands
