// The delivery and audit log: one JSON line per fact, nothing dropped while it runs.
//
// Rotated by size, or by others and reopened. Own writer thread. What can't be written waits; the
// diagnostic log says why, once. When it is 64 MiB behind, is_behind() is true: delivery pauses and
// readyz says no.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/clock.hpp"
#include "relay/base/queue_id.hpp"
#include "relay/base/result.hpp"
#include "relay/report/address_privacy.hpp"

namespace signet::report {

/// Of the lines; config/events.md describes them. A new member leaves it as it is, a member that
/// goes or changes its meaning does not.
constexpr int kSchema = 1;

/// A fact: "event" and fields. Field values are JSON-escaped here; order is kept.
class Fact {
 public:
  Fact(std::string_view event, WallTime now);
  Fact&& with(std::string_view key, std::string_view value) &&;
  Fact&& with(std::string_view key, std::int64_t value) &&;
  Fact&& with(std::string_view key, const std::vector<std::string>& values) &&;
  Fact&& with(std::string_view key, QueueId id) && {
    return std::move(*this).with(key, std::string_view(id.to_string()));
  }
  [[nodiscard]] std::string line() &&;  ///< With its LF.

 private:
  std::string json_;
};

class DeliveryLog {
 public:
  struct Options {
    std::filesystem::path file;      ///< "-" is standard output, which is never rotated.
    std::uint64_t rotate_bytes = 0;  ///< FILE becomes FILE.1 when it is larger; 0: never.
    std::uint32_t kept = 5;          ///< Files before FILE; the oldest goes.
    AddressPrivacy privacy = {};
    /// Gets each line as it is written, in the order of the lines; must not block. May be empty.
    std::function<void(std::string_view)> copy = {};
  };
  /// Fault: configuration.
  [[nodiscard]] static Result<std::unique_ptr<DeliveryLog>> open(Options options);
  [[nodiscard]] static Result<std::unique_ptr<DeliveryLog>> open(std::filesystem::path file) {
    return open(Options{.file = std::move(file)});
  }
  /// Writes all that waits; gives up on what the disk refuses once more, or when nobody has read
  /// for 3 s. What is lost then is said in the diagnostic log.
  ~DeliveryLog();
  /// Any thread; never blocks on the disk. The lines are in the order of the calls.
  void write(Fact fact);
  /// Opens the file anew (after rotation), on the writer's thread. Any thread.
  void reopen();
  /// More than 64 MiB wait to be written.
  [[nodiscard]] bool is_behind() const;
  /// Failed writes and openings; each is tried again, so a growing count means a full or lost disk.
  [[nodiscard]] std::uint64_t errors() const;
  [[nodiscard]] const std::filesystem::path& file() const;
  [[nodiscard]] Addresses addresses() const;

 private:
  struct Impl;
  explicit DeliveryLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The newest lines of a delivery log that tell of message `id`, the oldest first. Reads the last
/// 256 MiB of FILE, FILE.1, FILE.2 … together; blocks. None where the log is no file that can be
/// read.
[[nodiscard]] std::vector<std::string> facts_about(const std::filesystem::path& file, QueueId id,
                                                   std::size_t limit = 1000);

}  // namespace signet::report
