#include "relay/net/listener.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <future>
#include <map>
#include <mutex>
#include <set>

#include "relay/net/descriptor.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/scratch_folder.hpp"

namespace signet::net {
namespace {

using namespace std::chrono_literals;

const Endpoint kAnyPort{IpAddress::parse("127.0.0.1").value(), 0};

Descriptor connect_to(const Endpoint& endpoint) {
  Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  const socklen_t length = endpoint.to_sockaddr(storage);
  EXPECT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
  return client;
}

/// Octets until the peer closes; blocks.
std::string read_to_end(const Descriptor& client) {
  std::string all;
  char octet = 0;
  while (recv(client.get(), &octet, 1, 0) == 1) all += octet;
  return all;
}

Task<void> one_turn(Loop& loop) { co_await loop.sleep(5ms); }

class ListenerTest : public ::testing::Test {
 protected:
  std::unique_ptr<Listener> open(std::vector<Worker> workers, Listener::Handler handler) {
    auto listener =
        Listener::open(loop_, kAnyPort, nullptr, std::move(workers), std::move(handler));
    EXPECT_TRUE(listener) << listener.error().detail;
    return std::move(*listener);
  }
  void turn() { test::run_task(loop_, one_turn(loop_)); }

  Loop loop_;
};

TEST_F(ListenerTest, hands_over_a_connected_stream) {
  std::vector<Stream> streams;
  const auto listener = open({{.loop = &loop_}}, [&](Stream stream, const Worker& worker) {
    EXPECT_EQ(worker.loop, &loop_);
    EXPECT_EQ(worker.connections->load(), 1);
    streams.push_back(std::move(stream));
  });
  EXPECT_NE(listener->endpoint().port, 0);
  const auto client = connect_to(listener->endpoint());
  turn();
  ASSERT_EQ(streams.size(), 1U);
  EXPECT_EQ(streams[0].local(), listener->endpoint());
  EXPECT_TRUE(streams[0].peer().address.is_loopback());
}

Descriptor connect_to(const std::filesystem::path& socket) {
  Descriptor client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket.native().copy(address.sun_path, sizeof address.sun_path - 1);
  if (connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    client.reset();
  }
  return client;
}

TEST_F(ListenerTest, a_unix_socket_tells_who_is_there) {
  const test::ScratchFolder folder;
  const auto file = folder.path() / "submit.sock";
  std::vector<Stream> streams;
  const auto keep = [&](Stream stream, const Worker&) { streams.push_back(std::move(stream)); };
  auto listener = Listener::open(loop_, file, 0600, nullptr, {{.loop = &loop_}}, keep);
  ASSERT_TRUE(listener) << listener.error().detail;
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0600));
  const auto client = connect_to(file);
  turn();
  ASSERT_EQ(streams.size(), 1U);
  EXPECT_EQ(streams[0].peer_uid(), getuid());
  EXPECT_EQ(streams[0].peer(), Endpoint{});
  EXPECT_FALSE(Listener::open(loop_, file, 0600, nullptr, {{.loop = &loop_}}, keep))
      << "somebody listens there";
  listener->reset();
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(ListenerTest, a_unix_socket_left_behind_is_replaced_and_another_file_is_not) {
  const test::ScratchFolder folder;
  const auto file = folder.path() / "submit.sock";
  const auto ignore = [](const Stream&, const Worker&) {};
  {
    Descriptor dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    file.native().copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  EXPECT_TRUE(Listener::open(loop_, file, 0600, nullptr, {{.loop = &loop_}}, ignore));
  (void)folder.write("submit.sock", "precious");
  const auto refused = Listener::open(loop_, file, 0600, nullptr, {{.loop = &loop_}}, ignore);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("remove it"), std::string::npos);
  EXPECT_EQ(std::filesystem::file_size(file), 8U);
}

TEST_F(ListenerTest, gives_each_connection_to_the_worker_with_the_fewest) {
  LoopThread threads[3] = {LoopThread("one"), LoopThread("two"), LoopThread("three")};
  std::vector<Worker> workers;
  for (auto& thread : threads) workers.push_back({.loop = &thread.loop()});
  workers[1].connections->store(2);  // Busy already.
  std::mutex mutex;
  std::map<const Loop*, int> counts;
  int total = 0;
  const auto listener = open(workers, [&](const Stream&, const Worker& worker) {
    EXPECT_TRUE(worker.loop->is_current());
    const std::lock_guard lock(mutex);
    ++counts[worker.loop];
    if (++total == 7) loop_.stop();
  });
  std::vector<Descriptor> clients;
  for (int i = 0; i < 7; ++i) clients.push_back(connect_to(listener->endpoint()));
  loop_.run();
  const std::lock_guard lock(mutex);
  EXPECT_EQ(counts[workers[0].loop], 3);
  EXPECT_EQ(counts[workers[1].loop], 1);
  EXPECT_EQ(counts[workers[2].loop], 3);
}

TEST_F(ListenerTest, a_slot_lowers_the_count_when_it_dies) {
  const Worker worker{.loop = &loop_};
  worker.connections->store(3);
  {
    ConnectionSlot first(worker);
    ConnectionSlot second(worker);
    ConnectionSlot moved(std::move(first));
    second.release();
  }
  EXPECT_EQ(worker.connections->load(), 2);
}

TEST_F(ListenerTest, a_connection_whose_loop_has_ended_is_closed_and_not_counted) {
  auto worker_loop = std::make_unique<Loop>();
  const Worker worker{.loop = worker_loop.get()};
  bool handled = false;
  const auto listener = open({worker}, [&](const Stream&, const Worker&) { handled = true; });
  const auto client = connect_to(listener->endpoint());
  turn();
  EXPECT_EQ(worker.connections->load(), 1);
  worker_loop.reset();
  EXPECT_EQ(worker.connections->load(), 0);
  EXPECT_EQ(read_to_end(client), "");
  EXPECT_FALSE(handled);
}

TEST_F(ListenerTest, a_connection_on_its_way_outlives_the_listener) {
  Loop worker_loop;
  int handled = 0;
  auto listener = open({{.loop = &worker_loop}}, [&](const Stream&, const Worker&) { ++handled; });
  const auto client = connect_to(listener->endpoint());
  turn();
  listener.reset();
  worker_loop.stop();
  worker_loop.run();
  EXPECT_EQ(handled, 1);
}

TEST_F(ListenerTest, while_paused_connections_wait_in_the_socket) {
  int handled = 0;
  const auto listener = open({{.loop = &loop_}}, [&](const Stream&, const Worker&) { ++handled; });
  listener->pause();
  const auto client = connect_to(listener->endpoint());
  turn();
  EXPECT_EQ(handled, 0);
  listener->resume();
  turn();
  EXPECT_EQ(handled, 1);
}

TEST_F(ListenerTest, says_what_to_do_when_it_cannot_bind) {
  const auto first = open({{.loop = &loop_}}, [](const Stream&, const Worker&) {});
  struct Case {
    Endpoint endpoint;
    std::string words;
  };
  const std::vector<Case> cases{
      {first->endpoint(), "another program listens there"},
      {{IpAddress::parse("192.0.2.1").value(), 0}, "no interface of this machine"}};
  for (const auto& test : cases) {
    const auto refused = Listener::open(loop_, test.endpoint, nullptr, {{.loop = &loop_}},
                                        [](const Stream&, const Worker&) {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().fault, Fault::configuration);
    EXPECT_NE(refused.error().detail.find(test.words), std::string::npos) << refused.error().detail;
    EXPECT_NE(refused.error().detail.find(test.endpoint.to_string()), std::string::npos);
  }
}

TEST_F(ListenerTest, a_port_can_be_bound_again_at_once) {
  auto listener = open({{.loop = &loop_}}, [](const Stream&, const Worker&) {});
  const auto endpoint = listener->endpoint();
  const auto client = connect_to(endpoint);
  turn();  // The server closes first: its side of the connection is in TIME_WAIT.
  listener.reset();
  EXPECT_TRUE(Listener::open(loop_, endpoint, nullptr, {{.loop = &loop_}},
                             [](const Stream&, const Worker&) {}));
}

/// Takes every descriptor the process may have, until it is destroyed.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    auto low = before_;
    low.rlim_cur = 256;
    setrlimit(RLIMIT_NOFILE, &low);
    for (int descriptor = 0; descriptor >= 0;) {
      descriptor = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      if (descriptor >= 0) taken_.emplace_back(descriptor);
    }
  }
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
  std::vector<Descriptor> taken_;
};

TEST_F(ListenerTest, without_descriptors_it_closes_connections_and_rests) {
  int handled = 0;
  const auto listener = open({{.loop = &loop_}}, [&](const Stream&, const Worker&) { ++handled; });
  const auto first = connect_to(listener->endpoint());
  const auto second = connect_to(listener->endpoint());
  {
    const NoDescriptors shortage;
    turn();
    EXPECT_EQ(listener->turned_away(), 1U) << "one, then it rests";
    EXPECT_EQ(read_to_end(first), "");
    EXPECT_EQ(handled, 0);
  }
  while (handled == 0) turn();
  EXPECT_EQ(handled, 1) << "the second was waiting";
}

// systemd's protocol. Descriptors begin at 3, so a child with a clean table plays the service.

int listening_descriptor(const Endpoint& endpoint) {
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_storage storage{};
  const socklen_t length = endpoint.to_sockaddr(storage);
  if (bind(descriptor, reinterpret_cast<sockaddr*>(&storage), length) != 0) return -1;
  return listen(descriptor, 5) == 0 ? descriptor : -1;
}

Endpoint endpoint_of(int descriptor) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &length);
  return Endpoint::from_sockaddr(storage);
}

/// Exits the process with 0 when `held`, else with the number of the step.
void step(int number, bool held) {
  if (!held) _exit(number);
}

void play_service(bool for_us) {
  const int first = listening_descriptor(kAnyPort);
  const int second = listening_descriptor(kAnyPort);
  dup2(first, 100);
  dup2(second, 101);
  dup2(100, 3);
  dup2(101, 4);
  const auto wanted = endpoint_of(4);
  setenv("LISTEN_PID", std::to_string(for_us ? getpid() : 1).c_str(), 1);
  setenv("LISTEN_FDS", "2", 1);
  {
    InheritedSockets sockets;
    step(1, getenv("LISTEN_FDS") == nullptr && getenv("LISTEN_PID") == nullptr);
    step(2, sockets.take({wanted.address, 0}) == -1);
    const int taken = sockets.take(wanted);
    step(3, taken == (for_us ? 4 : -1));
    step(4, sockets.take(wanted) == -1);
    step(5, !for_us || (fcntl(4, F_GETFD) & FD_CLOEXEC) != 0);
    step(6, !for_us || (fcntl(4, F_GETFL) & O_NONBLOCK) != 0);
  }
  step(7, (fcntl(3, F_GETFD) == -1) == for_us);
  step(8, fcntl(4, F_GETFD) != -1);
  _exit(0);
}

TEST(InheritedSocketsDeathTest, takes_what_systemd_opened_and_closes_the_rest) {
  EXPECT_EXIT(play_service(true), ::testing::ExitedWithCode(0), "");
}

TEST(InheritedSocketsDeathTest, leaves_sockets_alone_that_are_for_another_process) {
  EXPECT_EXIT(play_service(false), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace signet::net
