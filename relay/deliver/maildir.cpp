#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "relay/deliver/client.hpp"

namespace signet::deliver {
namespace {

constexpr std::size_t kWriteAtLeast = 64UL << 10U;
constexpr int kMaxNames = 1000;

Failure system_failure(std::string what) {
  return fail(Fault::local_error,
              what + ": " + std::error_code(errno, std::generic_category()).message());
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] int get() const { return value_; }
  explicit operator bool() const { return value_ >= 0; }

 private:
  int value_;
};

Result<void> sync_directory(const std::filesystem::path& directory) {
  const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened || ::fsync(opened.get()) != 0) return system_failure(directory.string());
  return {};
}

Result<void> make_directories(const std::filesystem::path& maildir) {
  bool made = false;
  for (const auto& directory : {maildir, maildir / "tmp", maildir / "new", maildir / "cur"}) {
    if (::mkdir(directory.c_str(), S_IRWXU) == 0) {
      made = true;
    } else if (errno != EEXIST) {
      return system_failure(directory.string());
    }
  }
  return made ? sync_directory(maildir) : Result<void>();
}

// The message on its way to the file, CRLF turned into LF.
class LineEndWriter {
 public:
  explicit LineEndWriter(int descriptor) : descriptor_(descriptor) {}

  Result<void> append(std::string_view octets) {
    for (std::size_t from = 0; from < octets.size();) {
      const std::size_t cr = octets.find('\r', from);
      const bool held = std::exchange(holds_cr_, cr != std::string_view::npos);
      if (held && octets[from] != '\n') buffer_ += '\r';
      buffer_.append(octets.substr(from, cr - from));
      from = cr == std::string_view::npos ? octets.size() : cr + 1;
    }
    return buffer_.size() < kWriteAtLeast ? Result<void>() : flush();
  }

  Result<void> finish() {
    if (holds_cr_) buffer_ += '\r';
    auto flushed = flush();
    if (!flushed) return flushed;
    if (::fsync(descriptor_) != 0) return system_failure("fsync");
    return {};
  }

 private:
  Result<void> flush() {
    std::string_view rest = buffer_;
    while (!rest.empty()) {
      const ssize_t count = ::write(descriptor_, rest.data(), rest.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return system_failure("write");
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
    buffer_.clear();
    return {};
  }

  int descriptor_;
  bool holds_cr_ = false;
  std::string buffer_;
};

// A file of that name in tmp/ can only be what an interrupted delivery left.
Result<void> write_temporary(
    const std::filesystem::path& file,
    const std::function<Result<void>(const std::function<Result<void>(std::string_view)>& sink)>&
        write) {
  ::unlink(file.c_str());
  const Descriptor opened(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                 S_IRUSR | S_IWUSR));
  if (!opened) return system_failure(file.string());
  LineEndWriter writer(opened.get());
  auto written = write([&writer](std::string_view octets) { return writer.append(octets); });
  return written ? writer.finish() : written;
}

// link(2) never replaces: a name that is taken gets a number.
Result<std::filesystem::path> publish(const std::filesystem::path& temporary,
                                      const std::filesystem::path& wanted) {
  std::filesystem::path name = wanted;
  for (int number = 1; ::link(temporary.c_str(), name.c_str()) != 0; ++number) {
    if (errno != EEXIST || number == kMaxNames) return system_failure(name.string());
    name = wanted.string() + "_" + std::to_string(number);
  }
  return name;
}

}  // namespace

Result<std::string> deliver_to_maildir(
    const std::filesystem::path& maildir, const std::string& unique_name,
    const std::function<Result<void>(const std::function<Result<void>(std::string_view)>& sink)>&
        write) {
  if (unique_name.empty() || unique_name.front() == '.' || unique_name.contains('/')) {
    return fail(Fault::local_error, "not a file name: " + unique_name);
  }
  const auto made = make_directories(maildir);
  if (!made) return made.failure();
  const std::filesystem::path temporary = maildir / "tmp" / unique_name;
  const auto written = write_temporary(temporary, write);
  if (!written) {
    ::unlink(temporary.c_str());
    return written.failure();
  }
  const auto published = publish(temporary, maildir / "new" / unique_name);
  ::unlink(temporary.c_str());
  if (!published) return published.failure();
  const auto synced = sync_directory(maildir / "new");
  if (!synced) return synced.failure();
  return published->string();
}

}  // namespace signet::deliver
