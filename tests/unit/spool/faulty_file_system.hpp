// A file system for RocksDB whose n-th change of the disk fails (tests B55, B93).
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <memory>
#include <string>

namespace signet::spool {

/// Counts appends, syncs, creations, renames and directory syncs. A failing append leaves half of
/// its octets behind, as a full disk may.
class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  enum class Fails { once, for_ever };

  /// `nth` from 1 on; 0: never.
  FaultyFileSystem(int nth, Fails fails);
  [[nodiscard]] const char* Name() const override { return "FaultyFileSystem"; }
  [[nodiscard]] bool has_failed() const { return count_ >= nth_ && nth_ != 0; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

  /// Counts one change; true if it is to fail.
  [[nodiscard]] bool fails_now();
  [[nodiscard]] static rocksdb::IOStatus failure();

 private:
  const int nth_;
  const Fails fails_;
  std::atomic<int> count_ = 0;
};

}  // namespace signet::spool
