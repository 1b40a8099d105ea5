#include "relay/spool/spool_directory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "relay/spool/layout.hpp"

namespace signet::spool {
namespace {

constexpr std::string_view kMagic = "signet spool ";
constexpr std::string_view kNode = "node ";

Result<std::string> random_node() {
  std::array<unsigned char, 16> octets{};
  if (::getrandom(octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size())) {
    return fail(Fault::spool_failed, "no random octets");
  }
  std::string node;
  for (unsigned char octet : octets) node += fmt::format("{:02x}", octet);
  return node;
}

/// The line of `text` that starts with `name`, without it; empty if there is none.
std::string_view line_of(std::string_view text, std::string_view name) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + name.size());
  return text.substr(0, text.find('\n'));
}

Result<void> make_directory(const std::filesystem::path& path) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(Fault::spool_failed, path.string() + ": " + std::generic_category().message(errno));
  }
  return {};
}

}  // namespace

Result<SpoolDirectory> SpoolDirectory::claim(std::filesystem::path path, Missing missing) {
  if (missing == Missing::create) {
    const Result<void> made = make_directory(path);
    if (!made) return made.failure();
  } else if (!std::filesystem::exists(path / "format") && !std::filesystem::exists(path / "db")) {
    return fail(Fault::not_found, path.string() + " is not a spool");
  }
  Result<Descriptor> lock = open_file(path / "lock", O_RDWR | O_CREAT);
  if (!lock) return lock.failure();
  if (::flock(lock->get(), LOCK_EX | LOCK_NB) != 0) {
    return fail(Fault::spool_in_use, path.string() + " is in use by another process");
  }
  SpoolDirectory directory(std::move(path), std::move(*lock));
  const Result<void> format = directory.read_format();
  const bool is_in_doubt =
      missing == Missing::salvage && !format && format.error().fault == Fault::spool_failed;
  if (!format && !is_in_doubt) return format.failure();
  return directory;
}

Result<void> SpoolDirectory::read_format() {
  const Result<std::string> text = read_file(path_ / "format");
  if (!text && text.error().fault == Fault::not_found) return write_format();
  if (!text) return text.failure();
  const std::string_view number = line_of(*text, kMagic);
  std::uint32_t format = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), format);
  if (parsed.ec != std::errc() || format == 0) {
    return fail(Fault::spool_failed, (path_ / "format").string() + " is damaged");
  }
  if (format > kFormat) {
    return fail(Fault::spool_newer, fmt::format("{} has format {}, this program knows {}",
                                                path_.string(), format, kFormat));
  }
  node_ = line_of(*text, kNode);
  return {};
}

Result<void> SpoolDirectory::write_format() {
  if (has_database()) {
    return fail(Fault::spool_failed, path_.string() + " has lost its format file");
  }
  Result<std::string> node = random_node();
  if (!node) return node.failure();
  node_ = std::move(*node);
  return replace_file(path_ / "format", fmt::format("{}{}\n{}{}\n", kMagic, kFormat, kNode, node_));
}

bool SpoolDirectory::has_database() const {
  std::error_code error;
  return std::filesystem::exists(database() / "CURRENT", error);
}

void SpoolDirectory::keep_suspects(const std::vector<QueueId>& ids) {
  suspects_.insert(suspects_.end(), ids.begin(), ids.end());
  const Result<Descriptor> file = open_file(path_ / "suspect", O_WRONLY | O_CREAT | O_APPEND);
  if (!file) return;
  std::string lines;
  for (QueueId id : ids) lines += id.to_string() + "\n";
  if (write_at(*file, lines, 0)) ::fsync(file->get());
}

std::vector<QueueId> SpoolDirectory::suspects() const {
  std::vector<QueueId> ids = suspects_;
  const Result<std::string> text = read_file(path_ / "suspect");
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const Result<QueueId> id = QueueId::parse(rest.substr(0, end));
    if (id && std::ranges::find(ids, *id) == ids.end()) ids.push_back(*id);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return ids;
}

void SpoolDirectory::forget_suspects() {
  suspects_.clear();
  ::unlink((path_ / "suspect").c_str());
}

}  // namespace signet::spool
