#include "tests/bench/peer_process.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace signet::bench {
namespace {

using nlohmann::json;

[[noreturn]] void run_peer(int input, int output, const std::string& peer,
                           const std::filesystem::path& folder, std::uint16_t sink_port,
                           const std::filesystem::path& key) {
  const std::string script = SIGNET_SOURCE_DIR "/tests/bench/peers/run_peer.py";
  setsid();  // An interrupt is the bench's alone: the end of its input ends the peer in order.
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  execl("/usr/bin/python3", "python3", script.c_str(), peer.c_str(), folder.c_str(),
        std::to_string(sink_port).c_str(), key.c_str(), nullptr);
  std::perror("exec");
  _exit(3);
}

}  // namespace

std::unique_ptr<PeerProcess> PeerProcess::start(const std::string& peer,
                                                const std::filesystem::path& folder,
                                                std::uint16_t sink_port,
                                                const std::filesystem::path& key) {
  std::filesystem::create_directory(folder);
  int to_peer[2];
  int from_peer[2];
  if (pipe2(to_peer, O_CLOEXEC) != 0 || pipe2(from_peer, O_CLOEXEC) != 0) std::exit(3);
  const int pid = fork();
  if (pid == 0) run_peer(to_peer[0], from_peer[1], peer, folder, sink_port, key);
  close(to_peer[0]);
  close(from_peer[1]);
  std::unique_ptr<PeerProcess> process(new PeerProcess(pid, to_peer[1], from_peer[0]));
  const json ready = json::parse(process->read_line(), nullptr, false);
  if (!ready.is_object() || !ready.contains("port")) {
    const std::string reason = ready.is_object() ? ready.value("skipped", "") : "it did not start";
    std::printf("  %s: skipped, %s\n", peer.c_str(), reason.c_str());
    return nullptr;
  }
  process->smtp_port_ = ready["port"].get<std::uint16_t>();
  return process;
}

PeerProcess::~PeerProcess() {
  close(input_);
  waitpid(pid_, nullptr, 0);
  close(output_);
}

double PeerProcess::ask(const std::string& question, const std::string& field) {
  const std::string line = question + '\n';
  json answer;
  if (write(input_, line.data(), line.size()) == static_cast<ssize_t>(line.size()))
    answer = json::parse(read_line(), nullptr, false);
  if (!answer.is_object() || !answer.contains(field)) {
    std::fprintf(stderr, "bench: a peer is gone\n");
    std::exit(3);
  }
  return answer[field].get<double>();
}

std::string PeerProcess::read_line() const {
  std::string line;
  char octet = 0;
  while (read(output_, &octet, 1) == 1 && octet != '\n') line += octet;
  return line;
}

}  // namespace signet::bench
