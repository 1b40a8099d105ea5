#include "tests/bench/relay_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace signet::bench {

RelayProcess::RelayProcess(const std::filesystem::path& program,
                           const std::filesystem::path& config) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) std::exit(3);
  const auto start = std::chrono::steady_clock::now();
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(pipe_ends[1], STDOUT_FILENO);
    execl(program.c_str(), program.c_str(), "serve", "--config", config.c_str(), nullptr);
    std::perror("exec");
    _exit(3);
  }
  close(pipe_ends[1]);
  output_ = pipe_ends[0];
  std::string text;
  while (text.find("\"ready\"") == std::string::npos) {
    char block[1024];
    const ssize_t got = read(output_, block, sizeof block);
    if (got <= 0) {
      std::fprintf(stderr, "bench: the relay did not start\n");
      std::exit(3);
    }
    text.append(block, static_cast<std::size_t>(got));
  }
  seconds_to_ready_ =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto fact = nlohmann::json::parse(line);
    if (fact.at("event") != "listening") continue;
    const std::string address = fact.at("address");
    const int port = std::atoi(address.c_str() + address.rfind(':') + 1);
    (fact.at("name") == "monitoring" ? monitoring_port_ : smtp_port_) =
        static_cast<std::uint16_t>(port);
  }
}

RelayProcess::~RelayProcess() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  close(output_);
}

double RelayProcess::cpu_seconds() const {
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::uint64_t RelayProcess::resident_bytes() const {
  std::ifstream statm("/proc/" + std::to_string(pid_) + "/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace signet::bench
