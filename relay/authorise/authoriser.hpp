// Which client is this, what may it send as, and how much. No I/O: facts in, answers out.
//
// A client is found by AUTH user first, then TLS client certificate (by fingerprint, then by name),
// then by who is at the Unix socket, or by network (the longest prefix). With no client configured
// nobody can send.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/settings.hpp"
#include "relay/base/clock.hpp"
#include "relay/base/envelope.hpp"
#include "relay/base/result.hpp"

namespace signet::authorise {

/// What is known of a peer.
struct Peer {
  IpAddress address;                                ///< Says nothing of a peer at a Unix socket.
  std::string user;                                 ///< Authenticated AUTH user; empty: none.
  std::string certificate_fingerprint;              ///< SHA-256, lower-case hex; empty: none.
  std::vector<std::string> certificate_names = {};  ///< Of a verified certificate; lower case.
  std::optional<std::uint32_t> unix_user = {};      ///< The uid of a peer at a Unix socket.
};

/// "192.0.2.1", or "unix:1000" for a peer at a Unix socket. For logs.
[[nodiscard]] std::string to_string(const Peer& peer);

enum class MatchedBy { nothing, user, certificate, certificate_name, unix_user, network };

/// Which client a peer is, and what it was known by. The pointers live as long as the settings.
struct ClientMatch {
  const config::ClientSettings* client = nullptr;  ///< Null: none.
  MatchedBy by = MatchedBy::nothing;
  const IpNetwork* network = nullptr;  ///< Of a client found by network.
};
[[nodiscard]] ClientMatch match_client(const config::Settings& settings, const Peer& peer);

/// The client a peer is; null when none. The pointer lives as long as `settings`.
[[nodiscard]] const config::ClientSettings* find_client(const config::Settings& settings,
                                                        const Peer& peer);

/// Applies [rewrite] to an address: exact host first, then the longest suffix. The address itself
/// when no rule matches.
[[nodiscard]] Mailbox rewrite(const config::Settings& settings, Mailbox address);

/// MAIL FROM: the null sender is allowed; otherwise its domain must be one of the client's. Where
/// the client relays foreign mail (foreign_from not refuse) any sender is allowed. `in_store`
/// answers for `domains = "all"`. Fault: sender_not_allowed.
[[nodiscard]] Result<void> check_sender(const config::ClientSettings& client,
                                        const ReversePath& sender, bool in_store);

/// False: whatever the store holds, this From domain is not the client's.
[[nodiscard]] bool may_be_own(const config::ClientSettings& client, const Domain& author);

enum class Authorship { own, foreign };
/// The From domain: own, or foreign and allowed as such, or fault author_not_allowed (the text
/// names the domain).
[[nodiscard]] Result<Authorship> check_author(const config::ClientSettings& client,
                                              const Domain& author, bool in_store);

/// Hourly quotas and connection counts of all clients; shared by all loops, so a limit is one
/// limit.
class Quotas {
 public:
  explicit Quotas(const Clock& clock);  ///< The clock outlives the quotas.
  ~Quotas();
  Quotas(const Quotas&) = delete;
  Quotas& operator=(const Quotas&) = delete;
  /// Fault: quota_exceeded. Counts only what is granted. Sliding over 60 one-minute buckets.
  [[nodiscard]] Result<void> take_message(const config::ClientSettings& client,
                                          std::uint64_t recipients);
  /// Fault: too_many_connections. A granted one is given back with return_connection().
  [[nodiscard]] Result<void> take_connection(const config::ClientSettings& client);
  void return_connection(const config::ClientSettings& client);

 private:
  struct Usage;
  [[nodiscard]] Usage& usage_of(const std::string& client);

  const Clock& clock_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::unique_ptr<Usage>> usage_;  // By client name; guarded.
};

}  // namespace signet::authorise
