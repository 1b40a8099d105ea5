// A process that stores messages is killed at random points; what it acknowledged is there after a
// reopen, and what it acknowledged as removed is not (B90, T4).
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <random>
#include <set>

#include "tests/unit/spool/fixture.hpp"

namespace signet::spool {
namespace {

constexpr const char* kHome = "SIGNET_TEST_SPOOL_HOME";
constexpr int kReportTo = 9;  // The child's end of the pipe.

struct Line {
  char what;  ///< 's': stored, 'r': removed.
  std::uint64_t id;
};

/// In the child: keeps eight messages on their way, for ever; every third is removed again.
class Writer {
 public:
  explicit Writer(Spool& spool) : spool_(spool), next_(spool.last_id().value) {}
  void store_next() {
    const std::uint64_t id = ++next_;
    spool_.store(message(id), body(3000), here_, [this, id](Result<void> ok) {
      if (!ok) std::_Exit(3);
      report({'s', id});
      if (id % 3 != 0) return store_next();
      spool_.remove(QueueId{id}, at(100), 0, here_, [this, id](Result<void> removed) {
        if (!removed) std::_Exit(4);
        report({'r', id});
        store_next();
      });
    });
  }

 private:
  static void report(Line line) {
    if (::write(kReportTo, &line, sizeof line) != sizeof line) std::_Exit(5);
  }
  Spool& spool_;
  std::atomic<std::uint64_t> next_;
  InlineExecutor here_;
};

TEST(KillChild, DISABLED_writes_until_it_is_killed) {
  const char* home = std::getenv(kHome);
  ASSERT_NE(home, nullptr) << "only for kill_test's own use";
  const SystemClock clock;
  auto spool = Spool::open(options_for(home), clock);
  if (!spool) std::_Exit(2);
  Writer writer(**spool);
  for (int i = 0; i < 8; ++i) writer.store_next();
  ::pause();
}

class KillTest : public SpoolTest {
 protected:
  [[nodiscard]] std::filesystem::path home() const { return directory_.path() / "spool"; }

  /// Runs a child until it has acknowledged `count` times, kills it, and remembers all it said.
  void run_and_kill(unsigned count) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
    const std::string home_text = home().string();
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(pipe[1], kReportTo);
      ::setenv(kHome, home_text.c_str(), 1);
      ::execl("/proc/self/exe", "kill_child", "--gtest_also_run_disabled_tests",
              "--gtest_filter=KillChild.*", "--gtest_brief=1", nullptr);
      std::_Exit(1);
    }
    ::close(pipe[1]);
    Line line{};
    for (unsigned i = 0; ::read(pipe[0], &line, sizeof line) == sizeof line; ++i) {
      (line.what == 's' ? stored_ : removed_).insert(line.id);
      if (i == count) ::kill(child, SIGKILL);
    }
    ::close(pipe[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
  }

  std::set<std::uint64_t> stored_;
  std::set<std::uint64_t> removed_;
};

TEST_F(KillTest, finds_everything_acknowledged_after_twenty_kills) {
  std::mt19937 random(20261123);
  for (int round = 0; round < 20 && !HasFailure(); ++round) {
    run_and_kill(random() % 300);
    open(options_for(home()));
    const std::vector<std::uint64_t> found = all();
    const std::set<std::uint64_t> left(found.begin(), found.end());
    for (std::uint64_t id : stored_) {
      if (id % 3 != 0) EXPECT_TRUE(left.contains(id)) << "lost " << id;
    }
    for (std::uint64_t id : removed_) EXPECT_FALSE(left.contains(id)) << "came back " << id;
    EXPECT_EQ(spool_->stats().messages, left.size());
    close();
  }
  EXPECT_GT(stored_.size(), 500U);
}

}  // namespace
}  // namespace signet::spool
