// The relay under test as a child process: started from a configuration, measured from outside.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace signet::bench {

class RelayProcess {
 public:
  /// Starts `signet serve` with `config` and waits until it is ready; ends the bench if it does not
  /// start.
  RelayProcess(const std::filesystem::path& program, const std::filesystem::path& config);
  ~RelayProcess();  ///< SIGTERM, and waits.
  RelayProcess(const RelayProcess&) = delete;
  RelayProcess& operator=(const RelayProcess&) = delete;

  [[nodiscard]] std::uint16_t smtp_port() const { return smtp_port_; }
  [[nodiscard]] std::uint16_t monitoring_port() const { return monitoring_port_; }
  [[nodiscard]] double cpu_seconds() const;  ///< User and system, all threads.
  [[nodiscard]] std::uint64_t resident_bytes() const;
  [[nodiscard]] double seconds_to_ready() const { return seconds_to_ready_; }

 private:
  int pid_ = -1;
  int output_ = -1;
  std::uint16_t smtp_port_ = 0;
  std::uint16_t monitoring_port_ = 0;
  double seconds_to_ready_ = 0;
};

}  // namespace signet::bench
