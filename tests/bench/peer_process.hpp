// A peer of the comparison, another mail server that signs, as a child process: started and watched
// through tests/bench/peers/run_peer.py, which also counts its CPU.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace signet::bench {

class PeerProcess {
 public:
  /// Starts `peer` (a module of tests/bench/peers) in `folder`, which it makes. Null if it can't be
  /// had here; the reason is printed.
  static std::unique_ptr<PeerProcess> start(const std::string& peer,
                                            const std::filesystem::path& folder,
                                            std::uint16_t sink_port,
                                            const std::filesystem::path& key);
  ~PeerProcess();  ///< Ends it with all its processes, and waits.
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;

  [[nodiscard]] std::uint16_t smtp_port() const { return smtp_port_; }
  /// User and system, of all its processes, also of those that are gone. Ends the bench if the peer
  /// is gone.
  [[nodiscard]] double cpu_seconds() { return ask("cpu", "cpu_s"); }
  /// Waits until its queue is empty, at most a minute. How many messages are left.
  [[nodiscard]] std::size_t drain() { return static_cast<std::size_t>(ask("drain", "queued")); }

 private:
  PeerProcess(int pid, int input, int output) : pid_(pid), input_(input), output_(output) {}
  double ask(const std::string& question, const std::string& field);
  [[nodiscard]] std::string read_line() const;

  int pid_;
  int input_;
  int output_;
  std::uint16_t smtp_port_ = 0;
};

}  // namespace signet::bench
