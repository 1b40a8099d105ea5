#include "relay/report/delivery_log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "relay/base/file_owner.hpp"

namespace signet::report {
namespace {

constexpr std::size_t kBehindBytes = 64U << 20U;
constexpr std::chrono::seconds kRetryAfter{1};
constexpr std::chrono::milliseconds kGather{10};  // One write and one wake-up for a burst of facts.
constexpr std::chrono::milliseconds kReaderLook{100};  // Between two looks if it ends meanwhile.
constexpr std::chrono::seconds kGrace{3};  // At the end, for a reader that takes nothing.

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
  /// Appends, creates with 0640. -1 on failure: see is_open(). `more`: flags of open(2).
  static File open(const std::filesystem::path& path, int more = 0) {
    if (path == "-") return File(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | more;
    File made(::open(path.c_str(), flags | O_EXCL, 0640));
    if (!made.is_open()) return File(::open(path.c_str(), flags, 0640));
    const auto parent = path.parent_path();
    const File directory(::open(parent.empty() ? "." : parent.c_str(), O_PATH | O_CLOEXEC));
    // Without its owner's place it is root's, as it was made: the relay says so at its start.
    static_cast<void>(give_to_owner_of(directory.descriptor(), made.descriptor()));
    return made;
  }
  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] bool is_same_as(const File& other) const {
    struct ::stat mine{};
    struct ::stat its{};
    return ::fstat(descriptor_, &mine) == 0 && ::fstat(other.descriptor_, &its) == 0 &&
           mine.st_dev == its.st_dev && mine.st_ino == its.st_ino;
  }
  /// None for what is no regular file.
  [[nodiscard]] std::optional<std::uint64_t> size() const {
    struct ::stat status{};
    if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    return static_cast<std::uint64_t>(status.st_size);
  }
  /// As write(2); but where nobody reads it fails with EAGAIN after `patience`, and does not block.
  [[nodiscard]] ssize_t write(std::string_view octets, std::chrono::milliseconds patience) const {
    if (!size()) {
      // As much as fits wherever poll(2) finds room: stdout is shared, and can't be made
      // O_NONBLOCK.
      octets = octets.substr(0, PIPE_BUF);
      ::pollfd room{.fd = descriptor_, .events = POLLOUT, .revents = 0};
      const int ready = ::poll(&room, 1, static_cast<int>(patience.count()));
      if (ready == 0) errno = EAGAIN;
      if (ready <= 0) return -1;
    }
    return ::write(descriptor_, octets.data(), octets.size());
  }

 private:
  int descriptor_;
};

}  // namespace

struct DeliveryLog::Impl {
  Impl(Options given, File opened)
      : options(std::move(given)), file(std::move(opened)), writer([this] { run(); }) {}
  ~Impl();

  struct Turn {
    bool reopens = false;
    bool is_last = false;  ///< What can't be written now never will be.
  };

  void run();
  std::optional<Turn> next_turn();
  int write_batch(std::chrono::milliseconds patience);
  void written();
  void refused(int why);
  void fails(std::string words);
  void open_anew();
  void rotate();
  void tell_what_is_lost() const;

  const Options options;
  File file;               // The writer's.
  std::string batch;       // The writer's: taken from `pending`, not yet wholly written.
  std::size_t offset = 0;  // The writer's: how much of `batch` is written.
  int outage = 0;          // The writer's: why nothing can be written; 0: it can.
  std::string told;        // The writer's: the failure that was told last.

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
  tell_what_is_lost();
}

void DeliveryLog::Impl::run() {
  while (const auto turn = next_turn()) {
    if (turn->reopens) open_anew();
    const int why = write_batch(turn->is_last ? kGrace : kReaderLook);
    if (why == 0) {
      written();
      continue;
    }
    refused(why);
    if (turn->is_last) return;
    if (why == EAGAIN) continue;
    std::unique_lock lock(mutex);
    changed.wait_for(lock, kRetryAfter, [this] { return reopen_wanted || is_ending; });
  }
}

/// Waits for work. None at the end, when all is written.
std::optional<DeliveryLog::Impl::Turn> DeliveryLog::Impl::next_turn() {
  std::unique_lock lock(mutex);
  const auto is_urgent = [this] { return reopen_wanted || is_ending; };
  changed.wait(lock, [&] { return !pending.empty() || !batch.empty() || is_urgent(); });
  changed.wait_for(lock, kGather, is_urgent);
  const Turn turn{.reopens = std::exchange(reopen_wanted, false), .is_last = is_ending};
  if (batch.empty()) std::swap(batch, pending);
  if (batch.empty() && !turn.reopens) return std::nullopt;
  return turn;
}

/// 0, or the errno of what was not written; EAGAIN: nobody reads.
int DeliveryLog::Impl::write_batch(std::chrono::milliseconds patience) {
  while (offset < batch.size()) {
    const ssize_t count = file.write(std::string_view(batch).substr(offset), patience);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count < 0 ? errno : EIO;
    offset += static_cast<std::size_t>(count);
    waiting_bytes.fetch_sub(static_cast<std::size_t>(count), std::memory_order_relaxed);
  }
  batch.clear();
  offset = 0;
  return 0;
}

void DeliveryLog::Impl::written() {
  if (std::exchange(outage, 0) != 0) {
    spdlog::info("delivery log {}: it is written again", options.file.string());
    told.clear();
  }
  if (options.rotate_bytes > 0 && file.size().value_or(0) >= options.rotate_bytes) rotate();
}

void DeliveryLog::Impl::refused(int why) {
  if (why == EAGAIN) return;  // Of a reader who reads later; is_behind() tells if that is too late.
  outage = why;
  fails("can't be written, its lines wait: " + std::string(std::strerror(why)));
}

/// Counts it, and says it once.
void DeliveryLog::Impl::fails(std::string words) {
  errors.fetch_add(1, std::memory_order_relaxed);
  if (words == told) return;
  spdlog::error("delivery log {}: {}", options.file.string(), words);
  told = std::move(words);
}

void DeliveryLog::Impl::tell_what_is_lost() const {
  const std::string_view cut = std::string_view(batch).substr(offset);
  const auto lines = std::ranges::count(cut, '\n') + std::ranges::count(pending, '\n');
  if (lines == 0) return;
  spdlog::error("delivery log {}: {} lines ({} octets) are lost: {}", options.file.string(), lines,
                cut.size() + pending.size(),
                outage == 0 ? "nobody reads them" : std::strerror(outage));
}

void DeliveryLog::Impl::open_anew() {
  File fresh = File::open(options.file, O_NONBLOCK);  // No waiting for the reader of a FIFO.
  if (!fresh.is_open()) return fails("can't be opened anew: " + std::string(std::strerror(errno)));
  const bool is_another = !fresh.is_same_as(file);
  file = std::move(fresh);
  told.clear();
  if (!is_another) return;
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
  if (error) return fails("can't be renamed, and grows: " + error.message());
  open_anew();
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

Addresses DeliveryLog::addresses() const { return impl_->options.privacy.addresses; }

std::uint64_t DeliveryLog::errors() const { return impl_->errors.load(std::memory_order_relaxed); }

}  // namespace signet::report
