// Looks at a large table that others wait for: some buckets at a time under its lock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>

namespace signet::schedule {

/// Calls `visit` with each entry of `table`. A table that grows meanwhile is rehashed, so an entry
/// may be missed or visited twice.
template <typename Table, typename Visit>
void visit_in_slices(const Table& table, std::mutex& mutex, Visit visit) {
  constexpr std::size_t kSlice = 1024;
  for (std::size_t bucket = 0;;) {
    const std::scoped_lock lock(mutex);
    const std::size_t end = std::min(bucket + kSlice, table.bucket_count());
    for (; bucket < end; ++bucket) {
      for (auto entry = table.begin(bucket); entry != table.end(bucket); ++entry) visit(*entry);
    }
    if (bucket >= table.bucket_count()) return;
  }
}

}  // namespace signet::schedule
