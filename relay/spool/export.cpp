// export_all: the way out of a spool that no relay wants to open any more.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "relay/spool/database.hpp"
#include "relay/spool/message_json.hpp"
#include "relay/spool/posix_file.hpp"
#include "relay/spool/record_format.hpp"
#include "relay/spool/spool.hpp"
#include "relay/spool/spool_directory.hpp"
#include "relay/spool/state_row.hpp"

namespace signet::spool {
namespace {

using Report = std::function<void(std::string)>;

class Exporter {
 public:
  Exporter(const Database& database, const std::filesystem::path& target, const Report& report)
      : database_(database), target_(target), report_(report) {}

  std::uint64_t run() {
    std::uint64_t count = 0;
    for (QueueId id : ids()) {
      const Result<void> written = write(id);
      if (written) ++count;
      if (!written) report_(id.to_string() + ": " + written.error().detail);
    }
    return count;
  }

 private:
  /// From records and states alike: where one can't be read, the other may.
  [[nodiscard]] std::vector<QueueId> ids() const {
    std::set<QueueId> found;
    for (Column column : {Column::record, Column::state}) {
      const auto rows = database_.iterate(column, nullptr, nullptr);
      for (; rows->Valid(); rows->Next()) {
        if (const auto id = parse_id(rows->key().ToStringView())) found.insert(*id);
      }
      if (!rows->status().ok()) report_(rows->status().ToString());
    }
    return {found.begin(), found.end()};
  }

  [[nodiscard]] Result<void> write(QueueId id) const {
    const Result<std::string> row = database_.get(Column::record, id_key(id));
    if (!row) return fail(row.error().fault, "its record: " + row.error().detail);
    const Result<Record> record = decode_record(id, *row);
    if (!record) return record.failure();
    const Result<void> mail = write_mail(*record);
    const Result<void> json = write_json(*record, mail.has_value());
    return mail ? json : mail;
  }

  /// Only a whole message gets the name of one.
  [[nodiscard]] Result<void> write_mail(const Record& record) const {
    const auto partial = path_of(record.id, ".eml.partial");
    Result<void> written = write_parts(record, partial);
    if (!written) return written;
    std::error_code error;
    std::filesystem::rename(partial, path_of(record.id, ".eml"), error);
    if (error) return fail(Fault::spool_failed, partial.string() + ": " + error.message());
    return {};
  }

  [[nodiscard]] Result<void> write_parts(const Record& record,
                                         const std::filesystem::path& path) const {
    const Result<Descriptor> file = open_file(path, kCreate);
    if (!file) return file.failure();
    const std::string top = record.signatures + record.header + "\r\n";
    Result<void> written = write_at(*file, top, 0);
    std::uint64_t offset = top.size();
    const std::uint32_t pieces = std::max<std::uint32_t>(record.body_chunks, 1);
    for (std::uint32_t index = 0; written && index < pieces; ++index) {
      const Result<std::string> piece = database_.get(
          Column::body, record.body_chunks == 0 ? id_key(record.id) : chunk_key(record.id, index));
      if (!piece) return fail(piece.error().fault, "its body: " + piece.error().detail);
      written = write_at(*file, *piece, offset);
      offset += piece->size();
    }
    return written;
  }

  [[nodiscard]] Result<void> write_json(const Record& record, bool is_whole) const {
    nlohmann::json json = to_json(record);
    json["body"] = is_whole ? "whole" : "damaged";
    const Result<std::string> row = database_.get(Column::state, id_key(record.id));
    const Result<State> state = row ? decode_state_row(*row) : Result<State>(row.failure());
    if (state) json["state"] = to_json(*state);
    if (!state) report_(record.id.to_string() + ": its state: " + state.error().detail);
    const Result<Descriptor> file = open_file(path_of(record.id, ".json"), kCreate);
    if (!file) return file.failure();
    return write_at(*file,
                    json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n", 0);
  }

  [[nodiscard]] std::filesystem::path path_of(QueueId id, const char* suffix) const {
    return target_ / (id.to_string() + suffix);
  }

  static constexpr int kCreate = O_WRONLY | O_CREAT | O_TRUNC;
  const Database& database_;
  const std::filesystem::path& target_;
  const Report& report_;
};

/// CURRENT names the newest MANIFEST again.
void restore_current(const std::filesystem::path& path) {
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("MANIFEST-")) newest = std::max(newest, name);
  }
  if (!newest.empty()) std::ofstream(path / "CURRENT") << newest << '\n';
}

/// A database that does not open is read as a copy, the spool itself stays as it is. First what
/// comes before the damage in its log; if it still does not open, what its logs hold, put together
/// anew: RocksDB then forgets what lies in blob files, and each such message is reported.
Result<std::unique_ptr<Database>> open_damaged(const std::filesystem::path& path,
                                               const std::filesystem::path& copy,
                                               const Report& report) {
  auto database = Database::open(path, Database::Mode::read_only_salvage, {}, {});
  if (database) return database;
  report("the database does not open (" + database.error().detail + "): reading a repaired copy");
  std::error_code error;
  std::filesystem::copy(path, copy, std::filesystem::copy_options::recursive, error);
  if (error) return fail(Fault::spool_failed, copy.string() + ": " + error.message());
  restore_current(copy);
  database = Database::open(copy, Database::Mode::read_write, {}, {});
  if (database) return database;
  const Result<void> repaired = Database::repair(copy);
  if (!repaired) return repaired.failure();
  return Database::open(copy, Database::Mode::read_write_salvage, {}, {});
}

}  // namespace

Result<std::uint64_t> export_all(const std::filesystem::path& spool,
                                 const std::filesystem::path& target,
                                 const std::function<void(std::string)>& report) {
  const Result<SpoolDirectory> directory =
      SpoolDirectory::claim(spool, SpoolDirectory::Missing::salvage);
  if (!directory && directory.error().fault == Fault::not_found) {
    return fail(Fault::spool_failed, directory.error().detail);
  }
  if (!directory) return directory.failure();
  if (!directory->format_is_known()) report("its format file is damaged: taken for a spool of now");
  std::error_code error;
  std::filesystem::create_directories(target, error);
  if (error) return fail(Fault::spool_failed, target.string() + ": " + error.message());
  const std::filesystem::path copy = target / ".repaired";
  auto database = open_damaged(directory->database(), copy, report);
  if (!database) return fail(Fault::spool_failed, database.error().detail);
  const std::uint64_t count = Exporter(**database, target, report).run();
  database->reset();
  std::filesystem::remove_all(copy, error);
  return count;
}

}  // namespace signet::spool
