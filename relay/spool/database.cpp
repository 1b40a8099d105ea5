#include "relay/spool/database.hpp"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <mutex>
#include <vector>

namespace signet::spool {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20U;
constexpr std::size_t kWriteBuffer = 64 * kMebibyte;  // Of all families together.
constexpr std::size_t kMaxLog = 96 * kMebibyte;
constexpr std::size_t kBlockCache = 16 * kMebibyte;
constexpr std::size_t kBlobFile = 64 * kMebibyte;
constexpr std::size_t kTableFile = 16 * kMebibyte;
constexpr std::size_t kMinBlob = 512;

// The log is not among them: what a failed write of it left there is not known.
bool is_of_tables(rocksdb::BackgroundErrorReason reason) {
  return reason == rocksdb::BackgroundErrorReason::kFlush ||
         reason == rocksdb::BackgroundErrorReason::kFlushNoWAL ||
         reason == rocksdb::BackgroundErrorReason::kCompaction;
}

}  // namespace

class Database::Listener final : public rocksdb::EventListener {
 public:
  explicit Listener(OnTrouble on_trouble) : on_trouble_(std::move(on_trouble)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override {
    if (on_trouble_) on_trouble_(status->ToString(), kind_of(reason, *status));
  }
  void OnStallConditionsChanged(const rocksdb::WriteStallInfo& stall) override {
    if (stall.condition.cur == rocksdb::WriteStallCondition::kNormal) return;
    const std::lock_guard lock(mutex_);
    if (on_stall_) on_stall_();
  }
  void on_stall(std::function<void()> told) {
    const std::lock_guard lock(mutex_);
    on_stall_ = std::move(told);
  }

 private:
  static Database::Trouble kind_of(rocksdb::BackgroundErrorReason reason,
                                   const rocksdb::Status& status) {
    if (status.severity() <= rocksdb::Status::kSoftError) return Database::Trouble::passing;
    if (!status.IsNoSpace()) return Database::Trouble::lasting;
    const bool can_resume = status.severity() == rocksdb::Status::kHardError;
    return can_resume && is_of_tables(reason) ? Database::Trouble::disk_full
                                              : Database::Trouble::out_of_room;
  }

  OnTrouble on_trouble_;
  std::mutex mutex_;
  std::function<void()> on_stall_;
};

namespace {

bool is_salvage(Database::Mode mode) {
  return mode == Database::Mode::read_only_salvage || mode == Database::Mode::read_write_salvage;
}

bool is_read_only(Database::Mode mode) {
  return mode == Database::Mode::read_only || mode == Database::Mode::read_only_salvage;
}

rocksdb::DBOptions database_options(Database::Mode mode, rocksdb::Env* env,
                                    std::shared_ptr<rocksdb::EventListener> listener) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = !is_read_only(mode);
  options.create_missing_column_families = !is_read_only(mode);
  options.wal_recovery_mode = is_salvage(mode) ? rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords
                                               : rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.atomic_flush = true;
  options.db_write_buffer_size = kWriteBuffer;
  options.max_total_wal_size = kMaxLog;
  options.max_open_files = 256;
  options.max_file_opening_threads = 2;
  options.max_background_jobs = 2;
  // A failed write must stay failed until the spool is reopened: no resuming behind our back.
  options.max_bgerror_resume_count = 0;
  options.allow_concurrent_memtable_write = false;  // One committer.
  options.enable_write_thread_adaptive_yield = false;
  options.max_manifest_file_size = 16 * kMebibyte;
  options.manifest_preallocation_size = 64 * 1024;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.max_log_file_size = kMebibyte;
  options.keep_log_file_num = 2;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  if (listener) options.listeners.push_back(std::move(listener));
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> column_options() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(kBlockCache);
  table.cache_index_and_filter_blocks = true;
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = kWriteBuffer;  // The sum is what counts: db_write_buffer_size.
  options.arena_block_size = kMebibyte;
  // Keys of one family come in rising order and go again soon after: the place of the last is near.
  options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(0));
  options.target_file_size_base = kTableFile;
  options.max_bytes_for_level_base = 4 * kTableFile;
  std::vector<rocksdb::ColumnFamilyDescriptor> columns;
  for (std::size_t i = 0; i < kColumnNames.size(); ++i) {
    const auto column = static_cast<Column>(i);
    rocksdb::ColumnFamilyOptions own = options;
    own.enable_blob_files = column == Column::record || column == Column::body;
    own.min_blob_size = kMinBlob;
    own.blob_file_size = kBlobFile;
    columns.emplace_back(std::string(kColumnNames.at(i)), own);
  }
  return columns;
}

Failure opening_failed(const rocksdb::Status& status) {
  if (status.IsCorruption()) return fail(Fault::spool_lossy, status.ToString());
  if (status.IsNoSpace()) return fail(Fault::disk_short, status.ToString());
  const bool locked = status.IsIOError() && status.ToString().find("lock ") != std::string::npos;
  return fail(locked ? Fault::spool_in_use : Fault::spool_failed, status.ToString());
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path, Mode mode,
                                                 FileSystem file_system, OnTrouble on_trouble) {
  std::unique_ptr<Database> opened(new Database);
  rocksdb::Env* env = rocksdb::Env::Default();
  if (file_system) {
    opened->env_ = rocksdb::NewCompositeEnv(file_system);
    env = opened->env_.get();
  }
  opened->listener_ = std::make_shared<Listener>(std::move(on_trouble));
  const rocksdb::DBOptions options = database_options(mode, env, opened->listener_);
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      is_read_only(mode)
          ? rocksdb::DB::OpenForReadOnly(options, path.string(), column_options(), &handles, &db)
          : rocksdb::DB::Open(options, path.string(), column_options(), &handles, &db);
  if (!status.ok()) return opening_failed(status);
  opened->db_.reset(db);
  std::ranges::copy(handles, opened->columns_.begin());
  return opened;
}

Result<void> Database::repair(const std::filesystem::path& path) {
  const rocksdb::DBOptions options =
      database_options(Mode::read_write_salvage, rocksdb::Env::Default(), {});
  const rocksdb::Status status = rocksdb::RepairDB(path.string(), options, column_options());
  if (!status.ok()) return fail(Fault::spool_failed, status.ToString());
  return {};
}

Database::~Database() { close(); }

void Database::on_stall(std::function<void()> told) { listener_->on_stall(std::move(told)); }

void Database::close() {
  if (!db_) return;
  for (rocksdb::ColumnFamilyHandle* column : columns_) {
    db_->DestroyColumnFamilyHandle(column).PermitUncheckedError();
  }
  db_->Close().PermitUncheckedError();
  db_.reset();
}

void Database::adopt(Database& fresh) {
  close();
  listener_ = std::move(fresh.listener_);
  env_ = std::move(fresh.env_);
  db_ = std::move(fresh.db_);
  columns_ = fresh.columns_;
}

rocksdb::Status Database::write(rocksdb::WriteBatch& batch, bool sync) const {
  const std::string last(1, static_cast<char>(Mark::last));
  rocksdb::Status added = batch.Put(column(Column::mark), last, "");
  if (!added.ok()) return added;
  rocksdb::WriteOptions options;
  options.sync = sync;
  return db_->Write(options, &batch);
}

Result<std::string> Database::get(Column column, const std::string& key) const {
  std::string value;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), this->column(column), key, &value);
  if (status.IsNotFound()) return fail(Fault::not_found);
  if (!status.ok()) return fail(Fault::spool_failed, status.ToString());
  return value;
}

std::unique_ptr<rocksdb::Iterator> Database::iterate(Column column, const rocksdb::Slice* lower,
                                                     const rocksdb::Slice* upper) const {
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = lower;
  options.iterate_upper_bound = upper;
  std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(options, this->column(column)));
  rows->SeekToFirst();
  return rows;
}

std::uint64_t Database::property(Column column, const std::string& name) const {
  std::uint64_t value = 0;
  return db_->GetIntProperty(this->column(column), name, &value) ? value : 0;
}

}  // namespace signet::spool
