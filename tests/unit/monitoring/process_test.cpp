#include "monitoring/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

namespace signet::monitoring {
namespace {

double value_of(const Metrics& metrics, const std::string& name) {
  std::istringstream lines(metrics.expose());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + " ")) return std::stod(line.substr(name.size() + 1));
  }
  return -1;
}

TEST(ProcessMetricsTest, tell_what_the_process_takes_at_each_scrape) {
  Metrics metrics;
  add_process_metrics(metrics);
  const double open_before = value_of(metrics, "process_open_fds");
  const double processor_before = value_of(metrics, "process_cpu_seconds_total");
  std::vector<int> opened;
  for (int i = 0; i < 7; ++i) opened.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(value_of(metrics, "process_open_fds"), open_before + 7);
  for (const int descriptor : opened) ::close(descriptor);
  EXPECT_EQ(value_of(metrics, "process_open_fds"), open_before);
  EXPECT_GT(value_of(metrics, "process_max_fds"), open_before);
  EXPECT_GT(value_of(metrics, "process_resident_memory_bytes"), 1e6);
  EXPECT_GE(value_of(metrics, "process_cpu_seconds_total"), processor_before);
  EXPECT_GT(value_of(metrics, "process_start_time_seconds"), 1.7e9);
}

}  // namespace
}  // namespace signet::monitoring
