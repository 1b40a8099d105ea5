#include "relay/report/delivery_log.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include "relay/base/file_owner.hpp"

namespace signet::report {
namespace {

constexpr std::size_t kBehindBytes = 64U << 20U;
constexpr std::chrono::seconds kRetryAfter{1};
constexpr std::chrono::milliseconds kGather{10};  // One write and one wake-up for a burst of facts.

class File {
 public:
  explicit File(int descriptor = -1) : descriptor_(descriptor) {}
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  /// Appends, creates with 0640. -1 on failure: see is_open().
  static File open(const std::filesystem::path& path) {
    if (path == "-") return File(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
    constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
    File made(::open(path.c_str(), kFlags | O_EXCL, 0640));
    if (!made.is_open()) return File(::open(path.c_str(), kFlags, 0640));
    const auto parent = path.parent_path();
    const File directory(::open(parent.empty() ? "." : parent.c_str(), O_PATH | O_CLOEXEC));
    // Without its owner's place it is root's, as it was made: the relay says so at its start.
    static_cast<void>(give_to_owner_of(directory.descriptor(), made.descriptor()));
    return made;
  }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// 0 for what is no regular file.
  [[nodiscard]] std::uint64_t size() const {
    struct ::stat status{};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  int descriptor_;
};

}  // namespace

struct DeliveryLog::Impl {
  Impl(Options given, File opened)
      : options(std::move(given)), file(std::move(opened)), writer([this] { run(); }) {}
  ~Impl();

  void run();
  bool write_batch();
  void open_anew();
  void rotate();

  const Options options;
  File file;               // The writer's.
  std::string batch;       // The writer's: taken from `pending`, not yet wholly written.
  std::size_t offset = 0;  // The writer's: how much of `batch` is written.

  std::mutex mutex;
  std::condition_variable changed;
  std::string pending;
  bool reopen_wanted = false;
  bool is_ending = false;
  std::atomic<std::size_t> waiting_bytes{0};
  std::atomic<std::uint64_t> errors{0};
  std::thread writer;  // Last: it uses all of the above.
};

DeliveryLog::Impl::~Impl() {
  {
    const std::lock_guard lock(mutex);
    is_ending = true;
  }
  changed.notify_one();
  writer.join();
}

void DeliveryLog::Impl::run() {
  for (;;) {
    bool reopen_now = false;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] {
        return !pending.empty() || !batch.empty() || reopen_wanted || is_ending;
      });
      changed.wait_for(lock, kGather, [this] { return reopen_wanted || is_ending; });
      reopen_now = std::exchange(reopen_wanted, false);
      if (batch.empty()) std::swap(batch, pending);
      if (batch.empty() && !reopen_now) return;
    }
    if (reopen_now) open_anew();
    if (write_batch()) {
      if (options.rotate_bytes > 0 && file.size() >= options.rotate_bytes) rotate();
      continue;
    }
    errors.fetch_add(1, std::memory_order_relaxed);
    std::unique_lock lock(mutex);
    if (is_ending) return;
    changed.wait_for(lock, kRetryAfter, [this] { return reopen_wanted || is_ending; });
  }
}

bool DeliveryLog::Impl::write_batch() {
  while (offset < batch.size()) {
    const ssize_t written =
        ::write(file.descriptor(), batch.data() + offset, batch.size() - offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    offset += static_cast<std::size_t>(written);
    waiting_bytes.fetch_sub(static_cast<std::size_t>(written), std::memory_order_relaxed);
  }
  batch.clear();
  offset = 0;
  return true;
}

void DeliveryLog::Impl::open_anew() {
  File fresh = File::open(options.file);
  if (!fresh.is_open()) {
    errors.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  file = std::move(fresh);
  // A line cut by a failed write is written whole into the new file.
  const std::size_t line_start = offset == 0 ? 0 : batch.rfind('\n', offset - 1) + 1;
  waiting_bytes.fetch_add(offset - line_start, std::memory_order_relaxed);
  offset = line_start;
}

// A file that can't be renamed goes on being written.
void DeliveryLog::Impl::rotate() {
  const auto numbered = [this](std::uint32_t number) {
    return std::filesystem::path(options.file.string() + "." + std::to_string(number));
  };
  std::error_code error;
  for (std::uint32_t number = options.kept; number > 1; --number)
    std::filesystem::rename(numbered(number - 1), numbered(number), error);
  std::filesystem::rename(options.file, numbered(1), error);
  if (error) errors.fetch_add(1, std::memory_order_relaxed);
  if (!error) open_anew();
}

DeliveryLog::DeliveryLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DeliveryLog::~DeliveryLog() = default;

Result<std::unique_ptr<DeliveryLog>> DeliveryLog::open(Options options) {
  File opened = File::open(options.file);
  if (!opened.is_open()) {
    return fail(Fault::configuration,
                "delivery log " + options.file.string() + ": " + std::strerror(errno));
  }
  return std::unique_ptr<DeliveryLog>(
      new DeliveryLog(std::make_unique<Impl>(std::move(options), std::move(opened))));
}

void DeliveryLog::write(Fact fact) {
  std::string line = std::move(fact).line();
  if (impl_->options.privacy.addresses != Addresses::whole)
    line = redact_addresses(line, impl_->options.privacy);
  bool was_empty = false;
  {
    const std::lock_guard lock(impl_->mutex);
    was_empty = impl_->pending.empty();
    impl_->pending += line;
    if (impl_->options.copy) impl_->options.copy(line);
    impl_->waiting_bytes.fetch_add(line.size(), std::memory_order_relaxed);
  }
  if (was_empty) impl_->changed.notify_one();
}

void DeliveryLog::reopen() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->reopen_wanted = true;
  }
  impl_->changed.notify_one();
}

bool DeliveryLog::is_behind() const {
  return impl_->waiting_bytes.load(std::memory_order_relaxed) > kBehindBytes;
}

const std::filesystem::path& DeliveryLog::file() const { return impl_->options.file; }

std::uint64_t DeliveryLog::errors() const { return impl_->errors.load(std::memory_order_relaxed); }

}  // namespace signet::report
