// RocksDB as the spool uses it: options, column families, opening, closing. Knows no mail.
//
// The write-ahead log is shared by all families and they are flushed together (atomic_flush), so
// what recovery finds is one point in time across all of them, even if the log is damaged.
#pragma once

#include <rocksdb/db.h>

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "relay/base/result.hpp"
#include "relay/spool/layout.hpp"

namespace rocksdb {
class FileSystem;
}

namespace signet::spool {

class Database {
 public:
  enum class Mode {
    read_only,          ///< Changes nothing on disk; stops at the first damaged log record.
    read_only_salvage,  ///< The same, but skips damaged log records.
    read_write,
    read_write_salvage,
  };
  using FileSystem = std::shared_ptr<rocksdb::FileSystem>;  ///< Empty: the real one.
  /// RocksDB could not write.
  enum class Trouble {
    passing,      ///< It can be tried again; writes go on.
    disk_full,    ///< It takes no writes until that has succeeded; nothing is lost.
    out_of_room,  ///< The disk was full for its log: it takes no writes until it is opened anew.
    lasting,      ///< It takes no writes any more.
  };
  using OnTrouble = std::function<void(const std::string& reason, Trouble trouble)>;

  /// Faults: spool_in_use, spool_lossy (RocksDB sees damage), disk_short, spool_failed.
  [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path,
                                                              Mode mode, FileSystem file_system,
                                                              OnTrouble on_trouble);
  /// Puts together anew what can be read of a database that does not open. Writes to `path`: give
  /// it a copy. Fault: spool_failed.
  [[nodiscard]] static Result<void> repair(const std::filesystem::path& path);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Calls `told` each time RocksDB slows writes down or stops them because flush or compaction is
  /// behind, on threads of its own.
  void on_stall(std::function<void()> told);
  /// Lets go of the files. Nobody uses it meanwhile, and until adopt() only is_open() may be
  /// called.
  void close();
  /// Goes on as `fresh`, which was opened on the same path.
  void adopt(Database& fresh);
  [[nodiscard]] bool is_open() const { return db_ != nullptr; }

  [[nodiscard]] rocksdb::DB& db() const { return *db_; }
  [[nodiscard]] rocksdb::ColumnFamilyHandle* column(Column column) const {
    return columns_.at(static_cast<std::size_t>(column));
  }
  /// Writes `batch`, and a row after it that no flush drops: where all of a batch is wiped out, the
  /// tables would not know how far the log went, and recovery would look like a loss.
  [[nodiscard]] rocksdb::Status write(rocksdb::WriteBatch& batch, bool sync) const;
  [[nodiscard]] std::uint64_t sequence() const { return db_->GetLatestSequenceNumber(); }

  /// Faults: not_found, spool_failed.
  [[nodiscard]] Result<std::string> get(Column column, const std::string& key) const;
  /// Iterates keys at or after `lower` and before `upper` (empty: to the end). Both must outlive
  /// it.
  [[nodiscard]] std::unique_ptr<rocksdb::Iterator> iterate(Column column,
                                                           const rocksdb::Slice* lower,
                                                           const rocksdb::Slice* upper) const;
  [[nodiscard]] std::uint64_t property(Column column, const std::string& name) const;

 private:
  class Listener;
  Database() = default;

  std::shared_ptr<Listener> listener_;  // Shared with db_, whose threads call it.
  std::unique_ptr<rocksdb::Env> env_;   // Outlives db_.
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kColumnNames.size()> columns_{};
};

}  // namespace signet::spool
