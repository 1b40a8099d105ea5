// Measures the spool: commits a second with 64 in flight, and a million deferred messages.
//
//   spool_bench [--messages N] [--dir DIR]
//
// Prints one JSON object; every rate comes with its raw counts.
#include <fmt/format.h>
#include <sys/resource.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "relay/spool/spool.hpp"
#include "relay/spool/testing.hpp"
#include "tests/bench/spool_fill.hpp"
#include "tests/support/scratch_folder.hpp"

namespace signet::spool {
namespace {

using Steady = std::chrono::steady_clock;

double seconds_since(Steady::time_point began) {
  return std::chrono::duration<double>(Steady::now() - began).count();
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double resident_mebibytes() {
  std::ifstream statm("/proc/self/statm");
  double size = 0;
  double resident = 0;
  statm >> size >> resident;
  return resident * 4096 / (1 << 20);
}

/// Resets the high-water mark of resident memory.
void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

double peak_mebibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  }
  return 0;
}

using bench::InlineExecutor;
using bench::Pump;

class SpoolBench {
 public:
  explicit SpoolBench(std::filesystem::path directory) : directory_(std::move(directory)) {
    open();
  }

  double open() {
    spool_.reset();
    const auto began = Steady::now();
    Options options;
    options.directory = directory_;
    auto opened = Spool::open(std::move(options), clock_);
    if (!opened) {
      fmt::print(stderr, "{}\n", opened.error().detail);
      std::exit(1);
    }
    spool_ = std::move(*opened);
    return seconds_since(began);
  }

  void store(std::uint64_t count, WallTime due) {
    const auto body = std::make_shared<const std::string>(bench::kFillBody, 'b');
    const std::uint64_t first = spool_->last_id().value + 1;
    Pump(first, count, [&](std::uint64_t id, Done<void> done) {
      spool_->store(bench::deferred_message(id, due), body, here_, std::move(done));
    }).run();
  }

  void remove(std::uint64_t first, std::uint64_t count) {
    Pump(first, count, [&](std::uint64_t id, Done<void> done) {
      spool_->remove(QueueId{id}, {}, 0, here_, std::move(done));
    }).run();
  }

  /// Stores and at once removes, as mail does that is delivered at the first attempt.
  void pass_through(std::uint64_t count) {
    const auto body = std::make_shared<const std::string>(bench::kFillBody, 'b');
    const std::uint64_t first = spool_->last_id().value + 1;
    Pump(first, count, [&](std::uint64_t id, Done<void> done) {
      spool_->store(bench::deferred_message(id, WallTime()), body, here_,
                    [this, id, done = std::move(done)](Result<void> ok) mutable {
                      if (!ok) std::abort();
                      spool_->remove(QueueId{id}, {}, 0, here_, std::move(done));
                    });
    }).run();
  }

  Spool& spool() { return *spool_; }

 private:
  std::filesystem::path directory_;
  SystemClock clock_;
  InlineExecutor here_;
  std::unique_ptr<Spool> spool_;
};

struct Rate {
  std::uint64_t messages = 0;
  double seconds = 0;
  double cpu = 0;
  std::uint64_t syncs = 0;
};

template <typename Work>
Rate measure(SpoolBench& under_test, std::uint64_t messages, Work work) {
  const std::uint64_t syncs = under_test.spool().stats().syncs;
  const double cpu = cpu_seconds();
  const auto began = Steady::now();
  work();
  return {messages, seconds_since(began), cpu_seconds() - cpu,
          under_test.spool().stats().syncs - syncs};
}

void print(const char* name, const Rate& rate) {
  const auto count = static_cast<double>(rate.messages);
  fmt::print(
      "  \"{}\": {{ \"per_second\": {:.0f}, \"cpu_us_each\": {:.1f}, \"messages\": {}, "
      "\"seconds\": {:.3f}, \"cpu_seconds\": {:.3f}, \"syncs\": {} }},\n",
      name, count / rate.seconds, rate.cpu / count * 1e6, rate.messages, rate.seconds, rate.cpu,
      rate.syncs);
}

void run(const std::filesystem::path& directory, std::uint64_t deferred) {
  SpoolBench under_test(directory);
  constexpr std::uint64_t kShort = 100'000;
  const WallTime later = SystemClock().now() + std::chrono::hours(1);
  fmt::print("{{\n");
  print("pass_through", measure(under_test, kShort, [&] { under_test.pass_through(kShort); }));
  const std::uint64_t first = under_test.spool().last_id().value + 1;
  forget_peak();
  print("defer", measure(under_test, deferred, [&] { under_test.store(deferred, later); }));
  fmt::print("  \"defer_peak_rss_mb\": {:.0f},\n", peak_mebibytes());
  print("pass_through_beside",
        measure(under_test, kShort, [&] { under_test.pass_through(kShort); }));
  forget_peak();
  fmt::print("  \"reopen_seconds\": {:.3f},\n", under_test.open());
  fmt::print("  \"reopen_peak_rss_mb\": {:.0f}, \"reopen_rss_mb\": {:.0f},\n", peak_mebibytes(),
             resident_mebibytes());
  const auto began = Steady::now();
  Entry after{};
  std::uint64_t seen = 0;
  for (;;) {
    const auto page = under_test.spool().due(after, later, 1000);
    if (!page || page->empty()) break;
    seen += page->size();
    after = page->back();
  }
  fmt::print("  \"due_scan\": {{ \"entries\": {}, \"seconds\": {:.3f} }},\n", seen,
             seconds_since(began));
  run_upkeep(under_test.spool());
  fmt::print("  \"disk_full_mb\": {},\n", under_test.spool().stats().disk_bytes >> 20U);
  print("remove", measure(under_test, deferred, [&] { under_test.remove(first, deferred); }));
  const auto collected = Steady::now();
  run_upkeep(under_test.spool());
  fmt::print("  \"disk_empty_mb\": {}, \"collect_seconds\": {:.3f},\n",
             under_test.spool().stats().disk_bytes >> 20U, seconds_since(collected));
  const auto scan = Steady::now();
  const auto none = under_test.spool().due({}, later, 10);
  fmt::print("  \"due_after_removal_us\": {:.0f}, \"left\": {}\n}}\n", seconds_since(scan) * 1e6,
             none ? none->size() : 0);
}

}  // namespace
}  // namespace signet::spool

int main(int argc, char** argv) {
  std::uint64_t messages = 1'000'000;
  std::filesystem::path directory = std::filesystem::temp_directory_path();
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string value = argv[i + 1];
    if (std::strcmp(argv[i], "--dir") == 0) directory = value;
    if (std::strcmp(argv[i], "--messages") == 0) {
      std::from_chars(value.data(), value.data() + value.size(), messages);
    }
  }
  const signet::test::ScratchFolder own(directory);
  signet::spool::run(own / "spool", messages);
}
