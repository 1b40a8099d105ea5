#include "keys/secret_file.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

namespace signet::keys {
namespace {

Failure refuse(const std::filesystem::path& file, std::string_view why) {
  return fail(Fault::key_unavailable, file.string() + ": " + std::string(why));
}

int open_resolved(int root, const std::filesystem::path& relative, int flags) {
  open_how how{};
  how.flags = static_cast<__u64>(flags);
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  int fd = -1;
  do {
    fd = static_cast<int>(syscall(SYS_openat2, root, relative.c_str(), &how, sizeof how));
  } while (fd < 0 && (errno == EAGAIN || errno == EINTR));
  return fd;
}

// For kernels and sandboxes without openat2: no link at all, component by component.
int open_without_links(int root, const std::filesystem::path& relative, int flags) {
  std::optional<Descriptor> at;
  for (auto part = relative.begin(); part != relative.end(); ++part) {
    const bool last = std::next(part) == relative.end();
    const int from = at ? at->get() : root;
    if (part->empty() || *part == ".." || part->is_absolute()) {
      errno = EXDEV;
      return -1;
    }
    const int fd =
        openat(from, part->c_str(), (last ? flags : O_PATH | O_DIRECTORY | O_CLOEXEC) | O_NOFOLLOW);
    if (fd < 0 || last) return fd;
    at.reset();
    at.emplace(fd);
  }
  errno = ENOENT;
  return -1;
}

std::optional<std::string_view> breach(const struct stat& status, FileRule rule, uid_t trusted) {
  if (!S_ISREG(status.st_mode)) return "not a regular file";
  if (rule == FileRule::foreign) return std::nullopt;
  if (status.st_uid != geteuid() && status.st_uid != 0 && status.st_uid != trusted)
    return "owned by another user";
  const auto mode = status.st_mode;
  if (rule == FileRule::settings) {
    if ((mode & (S_IWGRP | S_IWOTH)) != 0) return "writable by group or others";
    return std::nullopt;
  }
  if ((mode & S_IRWXO) != 0) return "accessible by others";
  const mode_t group = mode & S_IRWXG;
  if (group != 0 && !(rule == FileRule::group_secret && group == S_IRGRP))
    return "accessible by the group";
  return std::nullopt;
}

uid_t trusted_beside_us(const std::filesystem::path& root) {
  struct stat status{};
  const bool is_asked = geteuid() == 0 && stat(root.c_str(), &status) == 0;
  return is_asked ? status.st_uid : geteuid();
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

Result<Descriptor> open_beneath(const std::filesystem::path& root,
                                const std::filesystem::path& relative, int flags) {
  const Descriptor base(open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  flags |= O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  int fd = -1;
  if (base.is_open()) {
    fd = open_resolved(base.get(), relative, flags);
    if (fd < 0 && (errno == ENOSYS || errno == EPERM))
      fd = open_without_links(base.get(), relative, flags);
  }
  if (fd >= 0) return Descriptor(fd);
  const int error = errno;
  const auto why = error == EXDEV ? "leads out of the store" : std::strerror(error);
  if (error == ENOENT || error == ENOTDIR)
    return fail(Fault::not_found, (root / relative).string() + ": " + why);
  return refuse(root / relative, why);
}

Result<SecretText> read_file(const std::filesystem::path& root,
                             const std::filesystem::path& relative, FileRule rule,
                             struct stat* found) {
  auto opened = open_beneath(root, relative, 0);
  if (!opened) return opened.failure();
  const auto file = root / relative;
  struct stat status{};
  if (fstat(opened->get(), &status) != 0) return refuse(file, std::strerror(errno));
  if (found != nullptr) *found = status;
  if (const auto why = breach(status, rule, trusted_beside_us(root))) return refuse(file, *why);
  if (static_cast<std::size_t>(status.st_size) > kMaxStoreFile) return refuse(file, "over 64 KiB");

  // One octet more than expected shows a file that grows while it is read.
  SecretOctets octets(static_cast<std::size_t>(status.st_size) + 1);
  std::size_t size = 0;
  while (size < octets.size()) {
    const auto count = read(opened->get(), octets.data() + size, octets.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return refuse(file, std::strerror(errno));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  const bool changed = size != static_cast<std::size_t>(status.st_size);
  octets.resize(size);
  SecretText text(std::move(octets));
  if (changed) return refuse(file, "changed while it was read");
  return text;
}

Result<SecretText> read_group_secret(const std::filesystem::path& file) {
  return read_file(file.parent_path(), file.filename(), FileRule::group_secret);
}

}  // namespace signet::keys
