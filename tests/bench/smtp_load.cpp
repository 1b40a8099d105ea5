#include "tests/bench/smtp_load.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <unordered_map>

namespace signet::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kMaxArrivals = 200000;
constexpr std::chrono::seconds kPatience{120};
constexpr std::string_view kEndOfData = "\r\n.\r\n";

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Steady::now().time_since_epoch())
      .count();
}

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(3);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void set_no_delay(int descriptor) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// One client connection: what it waits for, and what it still has to write.
struct Client {
  enum class Phase { greeting, ehlo, envelope, data, idle, done };
  int descriptor = -1;
  Phase phase = Phase::greeting;
  int replies_due = 1;
  std::string output;
  std::size_t written = 0;
  std::string input;
  Steady::time_point end_of_data;
  std::int64_t sent_ns = 0;
  bool failed = false;
};

class Generator {
 public:
  explicit Generator(const LoadPlan& plan) : plan_(plan), epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  ~Generator() { close(epoll_); }

  LoadResult run() {
    for (std::size_t i = 0; i < plan_.connections; ++i) connect_one();
    start_ = Steady::now();
    std::array<epoll_event, 256> events{};
    while (answered_ < plan_.messages && Steady::now() - start_ < kPatience) {
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                                   plan_.per_second > 0 ? 1 : 100);
      for (int i = 0; i < ready; ++i)
        serve(*clients_[events[static_cast<std::size_t>(i)].data.u32],
              events[static_cast<std::size_t>(i)].events);
      if (plan_.per_second > 0) start_due();
    }
    result_.seconds = std::chrono::duration<double>(Steady::now() - start_).count();
    for (const auto& client : clients_) close(client->descriptor);
    std::ranges::sort(result_.latencies_ms);
    return std::move(result_);
  }

 private:
  void connect_one() {
    auto client = std::make_unique<Client>();
    client->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(plan_.port);
    if (connect(client->descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
        0)
      die("connect");
    set_no_delay(client->descriptor);
    fcntl(client->descriptor, F_SETFL, O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.u32 = static_cast<std::uint32_t>(clients_.size());
    epoll_ctl(epoll_, EPOLL_CTL_ADD, client->descriptor, &event);
    clients_.push_back(std::move(client));
  }

  void serve(Client& client, std::uint32_t events) {
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_replies(client);
    if (events & EPOLLOUT) flush(client);
  }

  void read_replies(Client& client) {
    std::array<char, 4096> block{};
    for (;;) {
      const ssize_t got = read(client.descriptor, block.data(), block.size());
      if (got <= 0) {
        if (got == 0 && client.phase != Client::Phase::done) lose(client);
        break;
      }
      client.input.append(block.data(), static_cast<std::size_t>(got));
    }
    for (std::size_t end = client.input.find("\r\n"); end != std::string::npos;
         end = client.input.find("\r\n")) {
      const bool is_last_line = end >= 3 && (end == 3 || client.input[3] == ' ');
      if (is_last_line) reply(client, client.input[0]);
      client.input.erase(0, end + 2);
    }
  }

  void lose(Client& client) {
    client.phase = Client::Phase::done;
    std::fprintf(stderr, "bench: the relay closed a connection\n");
    std::exit(3);
  }

  void reply(Client& client, char digit) {
    if (digit != '2' && digit != '3') client.failed = true;
    if (--client.replies_due > 0) return;
    switch (client.phase) {
      case Client::Phase::greeting:
        return say(client, Client::Phase::ehlo, 1, "EHLO bench.example\r\n");
      case Client::Phase::ehlo:
        return next_message(client);
      case Client::Phase::envelope:
        return send_data(client);
      case Client::Phase::data:
        return answered(client);
      default:
        return;
    }
  }

  void say(Client& client, Client::Phase phase, int replies, std::string_view text) {
    client.phase = phase;
    client.replies_due = replies;
    client.output.assign(text);
    client.written = 0;
    flush(client);
  }

  void next_message(Client& client) {
    if (started_ >= plan_.messages) {
      client.phase = Client::Phase::done;
      return;
    }
    if (plan_.per_second > 0 && !is_due()) {
      client.phase = Client::Phase::idle;
      return;
    }
    ++started_;
    say(client, Client::Phase::envelope, 3,
        "MAIL FROM:<" + plan_.sender + "> SIZE=" + std::to_string(plan_.message.size()) +
            "\r\nRCPT TO:<user@sink.example>\r\nDATA\r\n");
  }

  [[nodiscard]] bool is_due() const {
    const double elapsed = std::chrono::duration<double>(Steady::now() - start_).count();
    return static_cast<double>(started_) <= elapsed * plan_.per_second;
  }

  void start_due() {
    for (std::size_t i = 0; i < clients_.size() && is_due(); ++i) {
      Client& client = *clients_[next_client_++ % clients_.size()];
      if (client.phase == Client::Phase::idle) next_message(client);
    }
  }

  void send_data(Client& client) {
    client.end_of_data = Steady::now();
    client.sent_ns = now_ns();
    say(client, Client::Phase::data, 1,
        "X-Sent: " + std::to_string(client.sent_ns) + "\r\n" + plan_.message + ".\r\n");
  }

  void answered(Client& client) {
    ++answered_;
    result_.answered[client.sent_ns] = now_ns();
    ++(client.failed ? result_.refused : result_.accepted);
    client.failed = false;
    result_.latencies_ms.push_back(
        std::chrono::duration<double, std::milli>(Steady::now() - client.end_of_data).count());
    next_message(client);
  }

  void flush(Client& client) {
    while (client.written < client.output.size()) {
      const ssize_t sent = write(client.descriptor, client.output.data() + client.written,
                                 client.output.size() - client.written);
      if (sent < 0) return;
      client.written += static_cast<std::size_t>(sent);
      if (client.phase == Client::Phase::data && client.written == client.output.size())
        client.end_of_data = Steady::now();
    }
  }

  const LoadPlan& plan_;
  int epoll_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::size_t started_ = 0;
  std::size_t answered_ = 0;
  std::size_t next_client_ = 0;
  Steady::time_point start_;
  LoadResult result_;
};

}  // namespace

LoadResult send_load(const LoadPlan& plan) { return Generator(plan).run(); }

double percentile(const std::vector<double>& sorted, double p) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(p * static_cast<double>(sorted.size())))];
}

/// A message at the sink: its X-Sent field, and the time of its final dot (steady ns).
struct Arrival {
  std::int64_t sent_ns = 0;
  std::int64_t arrived_ns = 0;
};

/// What the sink's process counts.
struct Counts {
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> with_signature{0};
};

/// Lives in memory shared by the bench and the sink's process.
struct Sink::Shared {
  Counts counts;
  std::array<Arrival, kMaxArrivals> arrivals{};
};

namespace {

/// Whether a DKIM-Signature field has as much base64 in its b= as 2,048 bits need.
bool is_signed(std::string_view message) {
  constexpr std::size_t kOctets = 2048 / 8;
  const std::string_view header = message.substr(0, message.find("\r\n\r\n"));
  std::size_t at = header.starts_with("DKIM-Signature:") ? 0 : header.find("\r\nDKIM-Signature:");
  if (at == std::string_view::npos) return false;
  for (at = header.find("b=", at); at != std::string_view::npos; at = header.find("b=", at + 1)) {
    if (std::string_view(" \t;\n").find(header[at - 1]) == std::string_view::npos) continue;
    const std::string_view value = header.substr(at + 2, header.find(';', at) - at - 2);
    const auto digits = std::ranges::count_if(value, [](unsigned char octet) {
      return std::isalnum(octet) || octet == '+' || octet == '/';
    });
    return static_cast<std::size_t>(digits) * 6 / 8 >= kOctets;
  }
  return false;
}

/// One server connection of the sink.
struct Guest {
  std::string input;
  bool in_data = false;
  std::size_t searched = 0;  ///< No end of data begins before here.
};

class SinkLoop {
 public:
  SinkLoop(int listener, Counts& counts, Arrival* arrivals)
      : listener_(listener),
        counts_(counts),
        arrivals_(arrivals),
        epoll_(epoll_create1(EPOLL_CLOEXEC)) {}

  [[noreturn]] void run() {
    watch(listener_);
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int ready = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
        if (descriptor == listener_) {
          accept_one();
        } else {
          serve(descriptor);
        }
      }
    }
  }

 private:
  void watch(int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event);
  }

  void accept_one() {
    const int descriptor = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    set_no_delay(descriptor);
    watch(descriptor);
    guests_[descriptor] = {};
    answer(descriptor, "220 sink.example ESMTP\r\n");
  }

  void serve(int descriptor) {
    static std::array<char, 262144> block;
    const ssize_t got = read(descriptor, block.data(), block.size());
    if (got <= 0) {
      close(descriptor);
      guests_.erase(descriptor);
      return;
    }
    Guest& guest = guests_[descriptor];
    guest.input.append(block.data(), static_cast<std::size_t>(got));
    std::string replies;
    while (step(guest, replies)) {
    }
    answer(descriptor, replies);
  }

  bool step(Guest& guest, std::string& replies) {
    if (guest.in_data) return take_message(guest, replies);
    const std::size_t end = guest.input.find("\r\n");
    if (end == std::string::npos) return false;
    const std::string verb = guest.input.substr(0, 4);
    guest.input.erase(0, end + 2);
    if (verb == "EHLO") {
      replies += "250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n";
    } else if (verb == "DATA") {
      guest.in_data = true;
      replies += "354 go\r\n";
    } else if (verb == "QUIT") {
      replies += "221 bye\r\n";
    } else {
      replies += "250 2.0.0 Ok\r\n";
    }
    return true;
  }

  /// What follows the end of data stays: Postfix sends QUIT along with it.
  bool take_message(Guest& guest, std::string& replies) {
    const std::size_t end = guest.input.find(kEndOfData, guest.searched);
    if (end == std::string::npos) {
      guest.searched = guest.input.size() - std::min(guest.input.size(), kEndOfData.size() - 1);
      return false;
    }
    note_arrival(guest.input);
    if (is_signed(guest.input)) counts_.with_signature.fetch_add(1);
    counts_.received.fetch_add(1);
    guest.input.erase(0, end + kEndOfData.size());
    guest.searched = 0;
    guest.in_data = false;
    replies += "250 2.0.0 Ok\r\n";
    return true;
  }

  void note_arrival(const std::string& message) {
    const std::size_t at = message.find("X-Sent: ");
    const std::uint64_t index = counts_.received.load();
    if (at == std::string::npos || index >= kMaxArrivals) return;
    arrivals_[index] = {std::atoll(message.c_str() + at + 8), now_ns()};
  }

  static void answer(int descriptor, std::string_view text) {
    if (!text.empty() && write(descriptor, text.data(), text.size()) < 0) return;
  }

  int listener_;
  Counts& counts_;
  Arrival* arrivals_;
  int epoll_;
  std::unordered_map<int, Guest> guests_;
};

}  // namespace

Sink::Sink() {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) die("mmap");
  shared_ = std::construct_at(static_cast<Shared*>(memory));
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 1024) != 0)
    die("sink");
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    SinkLoop(listener, shared_->counts, shared_->arrivals.data()).run();
  }
  close(listener);
}

Sink::~Sink() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  munmap(shared_, sizeof(Shared));
}

std::uint64_t Sink::received() const { return shared_->counts.received.load(); }

std::uint64_t Sink::received_signed() const { return shared_->counts.with_signature.load(); }

bool Sink::wait_for(std::uint64_t count, std::chrono::seconds patience) const {
  const auto end = Steady::now() + patience;
  while (received() < count && Steady::now() < end) usleep(1000);
  return received() >= count;
}

std::vector<double> Sink::after_answer_ms(const LoadResult& load) const {
  std::vector<double> sorted;
  const std::size_t count = std::min<std::size_t>(received(), kMaxArrivals);
  for (std::size_t i = 0; i < count; ++i) {
    const Arrival& arrival = shared_->arrivals[i];
    const auto answer = load.answered.find(arrival.sent_ns);
    if (answer == load.answered.end()) continue;
    sorted.push_back(static_cast<double>(arrival.arrived_ns - answer->second) / 1e6);
  }
  std::ranges::sort(sorted);
  return sorted;
}

}  // namespace signet::bench
