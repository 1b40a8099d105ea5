#include "keys/durable_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "keys/secret_file.hpp"
#include "relay/base/file_owner.hpp"

namespace signet::keys {
namespace {

Failure refuse(const std::filesystem::path& file, int error) {
  if (error == EROFS || error == EACCES || error == EPERM) {
    return fail(Fault::store_read_only,
                file.string() + ": " + std::strerror(error) +
                    ": keys of this store sign, but can't be changed from here");
  }
  return fail(Fault::key_unavailable, file.string() + ": " + std::strerror(error));
}

void tell(const StepObserver& observer, std::string_view step) {
  if (observer) observer(step);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto count = write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool overwrite(int fd, off_t size) {
  constexpr std::array<char, 4096> kNothing{};
  for (off_t done = 0; done < size;) {
    const auto rest = static_cast<std::size_t>(size - done);
    if (!write_all(fd, {kNothing.data(), std::min(rest, kNothing.size())})) return false;
    done += static_cast<off_t>(std::min(rest, kNothing.size()));
  }
  return fsync(fd) == 0;
}

Result<void> remove_name(int directory, const std::filesystem::path& file,
                         const StepObserver& observer) {
  const auto name = file.filename().string();
  if (unlinkat(directory, name.c_str(), 0) != 0) return refuse(file, errno);
  tell(observer, "removed " + name);
  if (fsync(directory) != 0) return refuse(file, errno);
  return {};
}

}  // namespace

Result<bool> write_durably(int directory, const std::filesystem::path& file, std::string_view text,
                           Existing existing, const StepObserver& observer) {
  const auto name = file.filename().string();
  const auto draft = "." + name + ".draft";  // One name: whoever writes holds the directory's lock.
  unlinkat(directory, draft.c_str(), 0);
  const Descriptor fd(
      openat(directory, draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.is_open()) return refuse(file, errno);
  tell(observer, "created " + draft);
  const bool written =
      write_all(fd.get(), text) && give_to_owner_of(directory, fd.get()) && fsync(fd.get()) == 0;
  int error = errno;
  tell(observer, "synced " + draft);
  int status = -1;
  if (written) {
    status = existing == Existing::kept
                 ? linkat(directory, draft.c_str(), directory, name.c_str(), 0)
                 : renameat(directory, draft.c_str(), directory, name.c_str());
    error = errno;
  }
  tell(observer, "placed " + name);
  if (status != 0 || existing == Existing::kept) unlinkat(directory, draft.c_str(), 0);
  if (!written) return refuse(file, error);
  if (status != 0 && error == EEXIST) return false;
  if (status != 0) return refuse(file, error);
  if (fsync(directory) != 0) return refuse(file, errno);
  tell(observer, "settled " + name);
  return true;
}

Result<void> destroy_durably(int directory, const std::filesystem::path& file,
                             const StepObserver& observer) {
  const auto name = file.filename().string();
  const Descriptor fd(openat(directory, name.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.is_open() && errno == ENOENT) return {};
  if (!fd.is_open() && errno == ELOOP) return remove_name(directory, file, observer);  // Of a link.
  if (!fd.is_open()) return refuse(file, errno);
  struct stat status{};
  if (fstat(fd.get(), &status) != 0 || !overwrite(fd.get(), status.st_size))
    return refuse(file, errno);
  tell(observer, "overwrote " + name);
  return remove_name(directory, file, observer);
}

}  // namespace signet::keys
