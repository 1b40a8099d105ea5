// Publishers: who puts key records into the DNS. All block: for the pool.
//
// manual: nobody; the operator reads the records and publishes them. rfc2136: DNS UPDATE with TSIG
// (RFC 2136, RFC 8945). command: a program of the operator's, which gets one JSON object on
// standard input:
//
//   {"action": "set" | "delete", "name": "s1._domainkey.example.com", "value": "v=DKIM1; …",
//    "strings": ["…", "…"], "ttl": 3600}
//
// "value" and "strings" (of at most 255 octets) only with "set". Exit 0: done; 75 (EX_TEMPFAIL) or
// any other: not done, tried again later. It is killed when its time is up. The same request may
// come twice: doing it again must do no harm.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keys/record_proof.hpp"
#include "relay/base/result.hpp"

namespace signet::keys {

struct RecordChange {
  std::string name;                  ///< Absolute, without the last dot.
  std::optional<std::string> value;  ///< Nothing: remove it.
  std::chrono::seconds ttl{3600};
};

class Publisher {
 public:
  virtual ~Publisher() = default;
  /// Done when the primary has it. Safe to repeat. Fault: publisher_failed.
  [[nodiscard]] virtual Result<void> publish(const RecordChange& change) = 0;
  /// From now on no program is waited for: it is killed, and publish() fails. Any thread.
  virtual void stop() {}
  /// False: the operator does it by hand.
  [[nodiscard]] virtual bool acts() const { return true; }
};

[[nodiscard]] std::unique_ptr<Publisher> make_manual_publisher();

struct UpdateOptions {
  Endpoint server;
  std::string zone;  ///< Empty: found by its SOA.
  std::string key_name;
  std::string algorithm = "hmac-sha256";
  std::filesystem::path key_file;  ///< The secret in base64; read at each use.
  std::chrono::milliseconds timeout{10000};
};
/// `proof` finds zones, and outlives the publisher.
[[nodiscard]] std::unique_ptr<Publisher> make_update_publisher(UpdateOptions options,
                                                               DnsProof& proof);

struct CommandOptions {
  std::vector<std::string> program;  ///< With its arguments; no shell.
  std::chrono::milliseconds timeout{30000};
};
[[nodiscard]] std::unique_ptr<Publisher> make_command_publisher(CommandOptions options);

/// The value in pieces of at most 255 octets (RFC 1035 3.3).
[[nodiscard]] std::vector<std::string> character_strings(std::string_view value);

}  // namespace signet::keys
