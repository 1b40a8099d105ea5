#include "relay/spool/opening.hpp"

#include <fmt/format.h>

#include <system_error>

namespace signet::spool {
namespace {

/// Whether recovery would find all that was durable. Faults: spool_lossy, spool_failed.
Result<void> check_recovery(const SpoolDirectory& directory, const Result<HighWaterMark>& mark,
                            const Database::FileSystem& file_system) {
  if (!mark) return fail(Fault::spool_lossy, "the high-water mark: " + mark.error().detail);
  // Nothing was durable yet: the database may even be half made.
  if (mark->sequence() == 0) return {};
  const auto trial =
      Database::open(directory.database(), Database::Mode::read_only, file_system, {});
  if (!trial) return trial.failure();
  const std::uint64_t recovered = (*trial)->sequence();
  if (recovered >= mark->sequence()) return {};
  return fail(Fault::spool_lossy,
              fmt::format("{}: {} of {} durable writes can be recovered", directory.path().string(),
                          recovered, mark->sequence()));
}

Result<HighWaterMark> renew_mark(const SpoolDirectory& directory, std::uint64_t sequence) {
  Result<HighWaterMark> mark = HighWaterMark::create(directory.mark());
  if (!mark) return mark.failure();
  const Result<void> set = mark->set(sequence);
  if (!set) return set.failure();
  const Result<void> synced = mark->sync();
  if (!synced) return synced.failure();
  return mark;
}

}  // namespace

Result<Opened> open_database(const SpoolDirectory& directory, bool accept_loss,
                             const Database::FileSystem& file_system,
                             Database::OnTrouble on_trouble) {
  bool after_loss = false;
  Result<HighWaterMark> mark = HighWaterMark::open(directory.mark());
  if (directory.has_database()) {
    const Result<void> whole = check_recovery(directory, mark, file_system);
    if (!whole && whole.error().fault != Fault::spool_lossy) return whole.failure();
    if (!whole && !accept_loss) return whole.failure();
    after_loss = !whole;
  } else if (mark && mark->sequence() != 0 && !accept_loss) {
    return fail(Fault::spool_lossy, fmt::format("{}: none of {} durable writes is left",
                                                directory.path().string(), mark->sequence()));
  } else {
    mark = HighWaterMark::create(directory.mark());
    if (!mark) return mark.failure();
  }
  auto database =
      Database::open(directory.database(),
                     after_loss ? Database::Mode::read_write_salvage : Database::Mode::read_write,
                     file_system, std::move(on_trouble));
  if (!database) return database.failure();
  if (after_loss) mark = renew_mark(directory, (*database)->sequence());
  if (!mark) return mark.failure();
  // Opening has turned the log into tables: the mark counts from here on.
  rocksdb::WriteBatch nothing;
  const rocksdb::Status begun = (*database)->write(nothing, true);
  if (begun.IsNoSpace()) return fail(Fault::disk_short, begun.ToString());
  if (!begun.ok()) return fail(Fault::spool_failed, begun.ToString());
  return Opened{std::move(*database), std::move(*mark), after_loss};
}

}  // namespace signet::spool
