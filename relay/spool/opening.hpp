// Opens the database of a spool without losing mail silently: compares what recovery would find
// with the high-water mark before anything on disk is changed.
#pragma once

#include <memory>

#include "relay/base/result.hpp"
#include "relay/spool/database.hpp"
#include "relay/spool/high_water_mark.hpp"
#include "relay/spool/spool_directory.hpp"

namespace signet::spool {

struct Opened {
  std::unique_ptr<Database> database;
  HighWaterMark mark;
  bool after_loss = false;  ///< Records are missing, and the operator accepted it.
};

/// Faults: spool_in_use, spool_lossy (with both counts; the log is untouched, so a copy of the
/// directory can still be examined), spool_failed.
[[nodiscard]] Result<Opened> open_database(const SpoolDirectory& directory, bool accept_loss,
                                           const Database::FileSystem& file_system,
                                           Database::OnTrouble on_trouble);

}  // namespace signet::spool
