// For tests only: a spool on a file system of their choosing, and its upkeep when they want it.
#pragma once

#include <memory>

#include "relay/spool/spool.hpp"

namespace rocksdb {
class FileSystem;
}

namespace signet::spool {

/// Spool::open with RocksDB on `file_system`.
[[nodiscard]] Result<std::unique_ptr<Spool>> open_on(
    std::shared_ptr<rocksdb::FileSystem> file_system, Options options, const Clock& clock);

/// Runs a round of upkeep now: figures are fresh afterwards, dead bodies collected. `spool` comes
/// from open() or open_on().
void run_upkeep(Spool& spool);

}  // namespace signet::spool
