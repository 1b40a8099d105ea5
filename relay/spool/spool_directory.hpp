// The directory of a spool: who may use it, which format it has, whose it is.
//
//   lock     held with flock(2) while the spool is open
//   format   "signet spool FORMAT\nnode HEX\n": written once; node is 128 random bits
//   mark     high_water_mark.hpp
//   suspect  ids of groups whose sync failed, one a line
//   db/      RocksDB
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "relay/base/queue_id.hpp"
#include "relay/base/result.hpp"
#include "relay/spool/posix_file.hpp"

namespace signet::spool {

class SpoolDirectory {
 public:
  enum class Missing { create, salvage };
  /// Locks the directory, made with mode 0700 where it is missing. Faults: spool_in_use,
  /// spool_newer, spool_failed, not_found (to be salvaged, and there is nothing).
  [[nodiscard]] static Result<SpoolDirectory> claim(std::filesystem::path path, Missing missing);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path database() const { return path_ / "db"; }
  [[nodiscard]] std::filesystem::path mark() const { return path_ / "mark"; }
  [[nodiscard]] bool has_database() const;
  /// False: salvaged although its format file can't be read.
  [[nodiscard]] bool format_is_known() const { return !node_.empty(); }
  /// Identity of the node: in the spool, so that it moves with the volume.
  [[nodiscard]] const std::string& node() const { return node_; }

  /// Keeps ids of messages whose commit failed but may have reached the disk: for this process, and
  /// as well as the disk lets it for the next.
  void keep_suspects(const std::vector<QueueId>& ids);
  [[nodiscard]] std::vector<QueueId> suspects() const;
  void forget_suspects();

 private:
  SpoolDirectory(std::filesystem::path path, Descriptor lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  [[nodiscard]] Result<void> read_format();
  [[nodiscard]] Result<void> write_format();

  std::filesystem::path path_;
  Descriptor lock_;
  std::string node_;
  std::vector<QueueId> suspects_;
};

}  // namespace signet::spool
