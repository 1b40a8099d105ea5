#include "relay/spool/posix_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace signet::spool {
namespace {

Fault fault_of(int code) {
  if (code == ENOENT) return Fault::not_found;
  return code == ENOSPC || code == EDQUOT ? Fault::disk_short : Fault::spool_failed;
}

Failure failed(std::string_view what, const std::filesystem::path& path) {
  const int code = errno;
  return fail(fault_of(code), std::string(what) + " " + path.string() + ": " +
                                  std::generic_category().message(code));
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Descriptor> open_file(const std::filesystem::path& path, int flags) {
  Descriptor file(::open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (!file.is_open()) return failed("open", path);
  return file;
}

Result<std::string> read_file(const std::filesystem::path& path) {
  const Result<Descriptor> file = open_file(path, O_RDONLY);
  if (!file) return file.failure();
  std::string content;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = ::read(file->get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path);
    if (got == 0) return content;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Result<void> write_at(const Descriptor& file, std::string_view octets, std::uint64_t offset) {
  while (!octets.empty()) {
    const ssize_t put =
        ::pwrite(file.get(), octets.data(), octets.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return fail(fault_of(errno), "write: " + std::generic_category().message(errno));
    octets.remove_prefix(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return {};
}

Result<void> replace_file(const std::filesystem::path& path, std::string_view content) {
  std::filesystem::path fresh = path;
  fresh += ".new";
  {
    const Result<Descriptor> file = open_file(fresh, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file) return file.failure();
    const Result<void> written = write_at(*file, content, 0);
    if (!written) return written.failure();
    if (::fsync(file->get()) != 0) return failed("sync", fresh);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return failed("rename", fresh);
  return sync_directory(path.parent_path());
}

Result<void> sync_directory(const std::filesystem::path& directory) {
  const Result<Descriptor> opened = open_file(directory, O_RDONLY | O_DIRECTORY);
  if (!opened) return opened.failure();
  if (::fsync(opened->get()) != 0) return failed("sync", directory);
  return {};
}

}  // namespace signet::spool
