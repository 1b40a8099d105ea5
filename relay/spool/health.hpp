// Whether the store still takes writes. Told by the committer and by RocksDB's own threads; safe
// from any thread.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

namespace signet::spool {

class Health {
 public:
  /// From now on nothing is written until the spool is reopened. The first reason stays.
  void break_down(const std::string& reason);
  [[nodiscard]] bool is_broken() const { return is_broken_; }
  [[nodiscard]] std::optional<std::string> reason() const;

  /// A flush or compaction failed; nothing is lost, and it can be tried again.
  void note_trouble() { trouble_ = true; }
  [[nodiscard]] bool take_trouble() { return trouble_.exchange(false); }

  /// A flush or compaction found the disk full: what is stored stays, but nothing is written until
  /// it succeeds.
  void suspend() {
    is_suspended_ = true;
    trouble_ = true;
  }
  [[nodiscard]] bool is_suspended() const { return is_suspended_ || needs_reopening_; }
  void resume() { is_suspended_ = false; }

  /// A write found the disk full, and what it left in the log is not known: nothing is written
  /// until the database has been opened anew, which needs room. The first reason is logged.
  void run_out_of_room(const std::string& reason);
  [[nodiscard]] bool needs_reopening() const { return needs_reopening_; }
  void reopened();

 private:
  mutable std::mutex mutex_;
  std::string reason_;
  std::atomic<bool> is_broken_ = false;
  std::atomic<bool> trouble_ = false;
  std::atomic<bool> is_suspended_ = false;
  std::atomic<bool> needs_reopening_ = false;
};

}  // namespace signet::spool
