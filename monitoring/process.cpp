#include "monitoring/process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "relay/base/secret_memory.hpp"

namespace signet::monitoring {
namespace {

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double total = 0;
  double resident = 0;
  file >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    ++count;
  }
  return count > 0 ? count - 1 : 0;  // Without the one that reads the folder.
}

double most_descriptors() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<double>(limit.rlim_cur) : 0;
}

double in_seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return in_seconds(usage.ru_utime) + in_seconds(usage.ru_stime);
}

}  // namespace

void add_process_metrics(Metrics& metrics) {
  const auto start = static_cast<double>(std::time(nullptr));
  metrics.on_scrape(Family::process_start, [start] { return start; });
  metrics.on_scrape(Family::process_memory, resident_bytes);
  metrics.on_scrape(Family::process_descriptors, open_descriptors);
  metrics.on_scrape(Family::process_descriptors_limit, most_descriptors);
  metrics.on_scrape(Family::process_cpu, processor_seconds);
  metrics.on_scrape(Family::key_memory,
                    [] { return static_cast<double>(secret_memory_use().bytes); });
  metrics.on_scrape(Family::key_memory_locked,
                    [] { return static_cast<double>(secret_memory_use().locked); });
}

}  // namespace signet::monitoring
