// The spool: what was answered 250 stays here until each recipient is delivered, bounced or
// expired.
//
// RocksDB with a synced WAL; one committer thread groups the writes of all loops. Bodies are apart
// from records; a body over kInlineBody arrives in chunks before its message. Results are posted to
// the executor the caller names. Crash rules: DESIGN notes in ARCHITECTURE.md, "the spool".
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "relay/base/clock.hpp"
#include "relay/base/envelope.hpp"
#include "relay/base/executor.hpp"
#include "relay/base/queue_id.hpp"
#include "relay/base/result.hpp"

namespace signet::spool {

constexpr std::size_t kInlineBody = 256 * 1024;  ///< Bodies up to this size travel in one piece.
constexpr std::size_t kChunk = 256 * 1024;  ///< Chunks of larger bodies; the last may be shorter.

enum class RecipientStatus : std::uint8_t { queued, held, delivered, bounced };
/// A success report the sender asked for and has not got yet (RFC 3461 4.1).
enum class ReportDue : std::uint8_t {
  none,
  relayed,   ///< Taken by a next hop that makes no reports.
  delivered  ///< In its mailbox here.
};

struct RecipientState {
  Recipient recipient;
  std::string route;  ///< Name of the route that was taken last.
  std::string pool;   ///< Name of the egress pool, fixed at receipt or by an operator.
  RecipientStatus status = RecipientStatus::queued;
  std::uint32_t attempts = 0;
  std::string last_reply;  ///< "550 5.1.1 …" sanitised to printable ASCII, or our own words.
  ReportDue report_due = ReportDue::none;
  /// By an operator's order (relay/route/diversion.hpp); empty: by the route table.
  std::string rerouted_to = {};
};

enum class Origin : std::uint8_t { client, dsn };

/// What changes while a message waits; written anew with each change (small).
struct State {
  std::vector<RecipientState> recipients;
  WallTime due;             ///< Next attempt, or re-evaluation of held mail.
  std::string hold_reason;  ///< Not empty: held.
  WallTime held_since;
  std::uint32_t attempts = 0;
  std::uint32_t maybe_duplicates = 0;  ///< Attempts that ended without an outcome (crash).
  bool delay_reported = false;         ///< The sender knows that it takes long.
  [[nodiscard]] bool is_held() const { return !hold_reason.empty(); }
  /// Held by a rule of ours, which is looked at again hourly; an operator's hold waits for the
  /// operator.
  [[nodiscard]] bool hold_is_ours() const {
    return is_held() && !hold_reason.starts_with("operator");
  }
};

/// What never changes after receipt.
struct Record {
  QueueId id;
  Origin origin = Origin::client;
  WallTime received;
  WallTime expires;
  std::string client;  ///< Name of the client that sent it.
  std::string peer;    ///< Address it came from.
  Envelope envelope;   ///< Without recipients: those are in State.
  std::string author_domain;
  std::string
      header;  ///< Header block as it leaves, without our signatures and without the empty line.
  std::string signatures;  ///< Our DKIM-Signature fields, each with its CRLF; put before `header`.
  std::vector<std::string> signed_by;     ///< "selector._domainkey.domain" of each.
  std::vector<std::string> sign_domains;  ///< Domains whose keys sign (plan), for re-signing.
  std::uint64_t body_size = 0;
  std::uint32_t body_chunks = 0;  ///< 0: the body is one inline piece.
  bool has_eight_bit = false;     ///< Body or header holds octets over 127.
  bool tls_optional = false;      ///< "TLS-Required: No" in the header (RFC 8689 3).
};

struct Message {
  Record record;
  State state;
};

struct Entry {  ///< A row of the due index.
  WallTime due;
  QueueId id;
};

struct Stats {
  std::uint64_t messages = 0;  ///< All in the spool.
  std::uint64_t held = 0;
  std::optional<WallTime> oldest;  ///< Receipt of the oldest message.
  std::optional<WallTime> oldest_held;
  std::uint64_t quarantined = 0;
  std::uint64_t maybe = 0;  ///< Attempts without an outcome found at open.
  std::uint64_t disk_bytes = 0;
  std::uint64_t disk_free = 0;  ///< Octets of the file system, without those kept for root.
  std::uint64_t disk_size = 0;  ///< Octets of the file system.
  std::uint64_t compaction_pending_bytes = 0;  ///< As estimated by RocksDB.
  std::uint64_t compactions = 0;               ///< That run now.
  std::uint64_t flushes = 0;                   ///< That run now.
  std::uint64_t stalls = 0;    ///< Times that writes were delayed or stopped for these.
  bool write_delayed = false;  ///< Now.
  bool write_stopped = false;  ///< Now.
  std::uint64_t syncs = 0;
  std::uint64_t commits = 0;
};

struct Options {
  std::filesystem::path directory;
  bool accept_loss = false;  ///< Open even if less was recovered than the high-water mark says.
  std::uint64_t min_free_bytes = 512ULL << 20U;
  double min_free_share = 0.05;
  std::function<void(std::size_t messages, std::chrono::microseconds took)>
      on_commit;  ///< Any thread; may be empty.
};

enum class Attempts : std::uint8_t { over, under_way };

template <typename T>
using Done = std::move_only_function<void(Result<T>)>;

class Spool {
 public:
  /// Blocks. Faults: spool_in_use, spool_newer, spool_lossy (less recovered than marked: the detail
  /// has the counts), spool_failed.
  [[nodiscard]] static Result<std::unique_ptr<Spool>> open(Options options, const Clock& clock);
  virtual ~Spool() = default;  ///< Commits what waits, writes the exact high-water mark, closes.

  // ---- Writes: grouped by the committer. `done` runs on `on`.
  /// One chunk of a large body, before its message. Not synced by itself.
  virtual void put_chunk(QueueId id, std::uint32_t index, std::string bytes, Executor& on,
                         Done<void> done) = 0;
  /// Forgets the chunks of a message that was never stored.
  virtual void drop_chunks(QueueId id, std::uint32_t count) = 0;
  /// Stores a message: durable (synced) when done says so. `body` is the inline body, empty with
  /// chunks. Faults: spool_failed (the spool then refuses all writes until reopened), disk_short.
  virtual void store(std::shared_ptr<const Message> message,
                     std::shared_ptr<const std::string> body, Executor& on, Done<void> done) = 0;
  /// An attempt is about to reach its final dot for recipients `indexes`. Written, synced within 20
  /// ms.
  virtual void record_attempt(QueueId id, std::vector<std::uint32_t> indexes, Executor& on,
                              Done<void> done) = 0;
  /// New state after an attempt, hold, release …; moves the due entry, and removes the attempt
  /// record unless other attempts at the message are under way. A message none of whose recipients
  /// is queued, held or owed a report is deleted. `previous_due`: the entry to remove.
  virtual void update(QueueId id, State state, WallTime previous_due, Attempts attempts,
                      Executor& on, Done<void> done) = 0;
  /// Deletes a message. Written, synced within 20 ms.
  virtual void remove(QueueId id, WallTime previous_due, std::uint32_t body_chunks, Executor& on,
                      Done<void> done) = 0;

  // ---- Reads: block; call them on a pool.
  [[nodiscard]] virtual Result<Message> load(
      QueueId id) const = 0;  ///< Faults: not_found, spool_failed.
  [[nodiscard]] virtual Result<std::string> load_body(QueueId id) const = 0;  ///< The inline body.
  [[nodiscard]] virtual Result<std::string> load_chunk(QueueId id, std::uint32_t index) const = 0;
  /// Up to `limit` entries due at or before `until`, from `after` (exclusive) on, oldest first.
  [[nodiscard]] virtual Result<std::vector<Entry>> due(Entry after, WallTime until,
                                                       std::size_t limit) const = 0;
  /// Up to `limit` messages with an id greater than `after`.
  [[nodiscard]] virtual Result<std::vector<Message>> list(QueueId after,
                                                          std::size_t limit) const = 0;
  [[nodiscard]] virtual Stats stats() const = 0;  ///< From counters; does not block.
  [[nodiscard]] virtual QueueId last_id() const = 0;
  /// False after a failed sync or write; the reason in words.
  [[nodiscard]] virtual std::optional<std::string> broken() const = 0;
  /// 452 before accepting: free space under the limit. Cached for a second; does not block.
  [[nodiscard]] virtual bool is_disk_short() const = 0;
  /// The disk has no room at all: writes are refused with disk_short, outcomes of attempts too. It
  /// goes on by itself when there is room.
  [[nodiscard]] virtual bool is_suspended() const = 0;
};

/// Writes every message of a stopped, possibly damaged, spool as ID.eml and ID.json into `target`.
/// Returns how many; `report` hears of each that could not be read. Faults: spool_in_use,
/// spool_failed.
[[nodiscard]] Result<std::uint64_t> export_all(const std::filesystem::path& spool,
                                               const std::filesystem::path& target,
                                               const std::function<void(std::string)>& report);

}  // namespace signet::spool
