// Suspensions: what an operator has stopped for a while: mail to a destination, mail of a domain or
// a client, or an egress address. Mail that is stopped is still accepted; it waits.
//
// Kept in one small file of the spool directory, written before an order is answered, so that a
// restart does not end them. Any thread; reading takes no lock while nothing is suspended.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/clock.hpp"
#include "relay/base/result.hpp"

namespace signet {

/// destination: recipient domain. domain: of the author or of MAIL FROM. egress: public address.
enum class SuspensionKind { destination, domain, client, egress };
[[nodiscard]] std::string_view name_of(SuspensionKind kind);
[[nodiscard]] std::optional<SuspensionKind> parse_suspension_kind(std::string_view name);

/// How the last reply of a recipient begins while it waits; the reason follows.
constexpr std::string_view kSuspendedReply = "451 4.3.2 Suspended by the operator";

struct Suspension {
  SuspensionKind kind = SuspensionKind::destination;
  std::string value;
  std::string reason;
  std::string by;
  WallTime since;
  std::optional<WallTime> until;  ///< Nothing: until it is resumed.
  friend bool operator==(const Suspension&, const Suspension&) = default;
};

class Suspensions {
 public:
  static constexpr std::size_t kMost = 1000;

  /// Reads what an earlier run left in `file`, which need not exist. The clock outlives it. Fault:
  /// configuration (the file is damaged: the detail says so).
  [[nodiscard]] static Result<std::unique_ptr<Suspensions>> open(std::filesystem::path file,
                                                                 const Clock& clock);
  /// Replaces one of the same kind and value. Durable when it returns; blocks. Faults: local_error
  /// (not written, and then nothing changed), quota_exceeded (over kMost).
  [[nodiscard]] Result<void> suspend(Suspension suspension);
  /// As suspend(). Fault: not_found.
  [[nodiscard]] Result<void> resume(SuspensionKind kind, std::string_view value);
  /// Those in force, the oldest first.
  [[nodiscard]] std::vector<Suspension> list() const;
  /// Quick.
  [[nodiscard]] bool none() const { return !some_; }
  /// One in force; nothing: it may go.
  [[nodiscard]] std::optional<Suspension> find(SuspensionKind kind, std::string_view value) const;

 private:
  Suspensions(std::filesystem::path file, const Clock& clock)
      : file_(std::move(file)), clock_(clock) {}
  [[nodiscard]] bool is_in_force(const Suspension& each) const {
    return !each.until || clock_.now() < *each.until;
  }
  [[nodiscard]] Result<void> replace(std::vector<Suspension> next);

  std::filesystem::path file_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::vector<Suspension> all_;  // Guarded; those that ended go at the next change.
  std::atomic<bool> some_{false};
};

}  // namespace signet
