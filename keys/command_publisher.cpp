#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "keys/publisher.hpp"
#include "keys/secret_file.hpp"

namespace signet::keys {
namespace {

constexpr std::chrono::milliseconds kPoll(10);

std::string request_of(const RecordChange& change) {
  nlohmann::json request{{"action", change.value ? "set" : "delete"},
                         {"name", change.name},
                         {"ttl", change.ttl.count()}};
  if (change.value) {
    request["value"] = *change.value;
    request["strings"] = character_strings(*change.value);
  }
  return request.dump() + "\n";
}

/// The program's environment: ours may hold what is none of its business.
std::array<char*, 3> bare_environment() {
  static std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  static std::string locale = "LC_ALL=C.UTF-8";
  return {path.data(), locale.data(), nullptr};
}

class CommandPublisher final : public Publisher {
 public:
  explicit CommandPublisher(CommandOptions options) : options_(std::move(options)) {}

  [[nodiscard]] Result<void> publish(const RecordChange& change) override {
    std::array<int, 2> ends{-1, -1};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return refuse(std::strerror(errno));
    const Descriptor reader(ends[0]);
    Descriptor writer(ends[1]);
    const auto child = start(reader.get());
    if (!child) return child.failure();
    // A request is far smaller than a pipe, so that writing it never waits for the program.
    const std::string request = request_of(change);
    const auto written = write(writer.get(), request.data(), request.size());
    close(writer.release());
    const auto status = wait_for(*child);
    if (!status) return status.failure();
    if (WIFEXITED(*status) && WEXITSTATUS(*status) == 0 &&
        written == static_cast<ssize_t>(request.size()))
      return {};
    return refuse(WIFEXITED(*status) ? "exit status " + std::to_string(WEXITSTATUS(*status))
                                     : "ended by signal " + std::to_string(WTERMSIG(*status)));
  }
  void stop() override { stops_ = true; }

 private:
  [[nodiscard]] Failure refuse(const std::string& why) const {
    return fail(Fault::publisher_failed, options_.program.front() + ": " + why);
  }

  Result<pid_t> start(int input) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setpgroup(&attributes, 0);  // So that its children end with it.
    sigset_t signals;                           // Ours are ignored or blocked for our sake.
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    std::vector<char*> arguments;
    arguments.reserve(options_.program.size() + 1);
    for (std::string& argument : options_.program) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    auto environment = bare_environment();
    pid_t child = 0;
    const int error = posix_spawn(&child, arguments.front(), &actions, &attributes,
                                  arguments.data(), environment.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return refuse(std::strerror(error));
    return child;
  }

  Result<int> wait_for(pid_t child) {
    const auto deadline = std::chrono::steady_clock::now() + options_.timeout;
    int status = 0;
    for (;;) {
      const pid_t ended = waitpid(child, &status, WNOHANG);
      if (ended == child) return status;
      if (ended < 0 && errno != EINTR) return refuse(std::strerror(errno));
      if (stops_ || std::chrono::steady_clock::now() > deadline) break;
      std::this_thread::sleep_for(kPoll);
    }
    kill(-child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (stops_) return refuse("ended because the relay stops");
    return refuse("took over " + std::to_string(options_.timeout.count()) + " ms");
  }

  CommandOptions options_;
  std::atomic<bool> stops_ = false;
};

}  // namespace

std::unique_ptr<Publisher> make_command_publisher(CommandOptions options) {
  return std::make_unique<CommandPublisher>(std::move(options));
}

}  // namespace signet::keys
