#include "relay/spool/high_water_mark.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <optional>

#include "relay/spool/layout.hpp"

namespace signet::spool {
namespace {

constexpr std::uint64_t kMagic = 0x5349474E45544D31;  // "SIGNETM1"
constexpr std::size_t kSector = 512;
constexpr std::size_t kUsed = 24;

std::uint64_t checksum(std::uint64_t sequence) {
  std::uint64_t mixed = sequence ^ kMagic;
  mixed = (mixed ^ mixed >> 30U) * 0xBF58476D1CE4E5B9ULL;
  mixed = (mixed ^ mixed >> 27U) * 0x94D049BB133111EBULL;
  return mixed ^ mixed >> 31U;
}

std::optional<std::uint64_t> parse_sector(std::string_view content, std::size_t offset) {
  if (content.size() < offset + kUsed) return std::nullopt;
  content.remove_prefix(offset);
  const std::uint64_t sequence = read_u64(content.substr(8));
  if (read_u64(content) != kMagic || read_u64(content.substr(16)) != checksum(sequence)) {
    return std::nullopt;
  }
  return sequence;
}

}  // namespace

Result<HighWaterMark> HighWaterMark::create(const std::filesystem::path& path) {
  Result<Descriptor> file = open_file(path, O_RDWR | O_CREAT);
  if (!file) return file.failure();
  HighWaterMark mark(std::move(*file));
  for (int sector = 0; sector < 2; ++sector) {
    const Result<void> written = mark.set(0);
    if (!written) return written.failure();
  }
  const Result<void> synced = mark.sync();
  if (!synced) return synced.failure();
  const Result<void> named = sync_directory(path.parent_path());
  if (!named) return named.failure();
  return mark;
}

Result<HighWaterMark> HighWaterMark::open(const std::filesystem::path& path) {
  const Result<std::string> content = read_file(path);
  if (!content) return content.failure();
  const auto first = parse_sector(*content, 0);
  const auto second = parse_sector(*content, kSector);
  if (!first && !second) return fail(Fault::spool_failed, path.string() + " is unreadable");
  Result<Descriptor> file = open_file(path, O_RDWR);
  if (!file) return file.failure();
  HighWaterMark mark(std::move(*file));
  mark.sequence_ = std::max(first.value_or(0), second.value_or(0));
  mark.second_ = !second || first.value_or(0) > *second;
  return mark;
}

Result<void> HighWaterMark::set(std::uint64_t sequence) {
  std::string sector;
  append_u64(sector, kMagic);
  append_u64(sector, sequence);
  append_u64(sector, checksum(sequence));
  const Result<void> written = write_at(file_, sector, second_ ? kSector : 0);
  if (!written) return written.failure();
  second_ = !second_;
  sequence_ = sequence;
  unsynced_ = true;
  return {};
}

Result<void> HighWaterMark::sync() {
  if (::fdatasync(file_.get()) != 0) return fail(Fault::spool_failed, "the mark can't be synced");
  unsynced_ = false;
  return {};
}

}  // namespace signet::spool
