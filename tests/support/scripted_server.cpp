#include "tests/support/scripted_server.hpp"

#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

namespace signet::test {
namespace {

// Longer than any test lasts: a script that hangs fails instead.
constexpr int kPatienceMs = 5000;

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char c = text[++i];
    out += c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? '\0' : c;
  }
  return out;
}

bool matches(std::string_view line, std::string_view pattern) {
  if (!pattern.ends_with('*')) return line == pattern;
  pattern.remove_suffix(1);
  return line.starts_with(pattern);
}

}  // namespace

class ScriptedServer::Conversation {
 public:
  Conversation(ScriptedServer& server, int descriptor) : server_(server), descriptor_(descriptor) {}
  ~Conversation() {
    SSL_free(ssl_);
    close(descriptor_);
  }

  void follow(const std::string& script) {
    std::istringstream lines(script);
    std::string line;
    while (going_ && std::getline(lines, line)) {
      line.erase(0, line.find_first_not_of(' '));
      if (!line.empty()) take(line);
    }
    flush();
    if (!going_) return;
    if (read_more() || !input_.empty()) blame("expected the end, got: " + input_);
  }

 private:
  void take(const std::string& line) {
    const std::string_view rest =
        std::string_view(line).substr(std::min<std::size_t>(3, line.size()));
    if (line.starts_with("S: ")) {
      output_.append(rest).append("\r\n");
    } else if (line.starts_with("S> ")) {
      output_ += unescape(rest);
    } else {
      flush();
      if (line.starts_with("C: ")) {
        expect(rest);
      } else {
        act(line);
      }
    }
  }

  void act(const std::string& line) {
    if (line == "DATA") {
      take_message();
    } else if (line == "TLS") {
      start_tls();
    } else if (line == "CLOSE") {
      going_ = false;
    } else if (line == "RESET") {
      const linger now{.l_onoff = 1, .l_linger = 0};
      setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
      going_ = false;
    } else if (line == "STALL") {
      while (read_more()) continue;
      going_ = false;
    } else {
      blame("no such step: " + line);
    }
  }

  void expect(std::string_view pattern) {
    std::size_t end = 0;
    while ((end = input_.find("\r\n")) == std::string::npos) {
      if (!read_more()) return blame("ended before: " + std::string(pattern));
    }
    const std::string line = input_.substr(0, end);
    input_.erase(0, end + 2);
    if (!matches(line, pattern)) blame("expected " + std::string(pattern) + ", got " + line);
  }

  void take_message() {
    static constexpr std::string_view kEnd = "\r\n.\r\n";
    std::size_t end = 0;
    std::size_t from = 0;
    while (!input_.starts_with(".\r\n") && (end = input_.find(kEnd, from)) == std::string::npos) {
      from = input_.size() < kEnd.size() ? 0 : input_.size() - kEnd.size();
      if (!read_more()) return blame("ended inside a message");
    }
    if (input_.starts_with(".\r\n")) {
      server_.messages_.emplace_back();
      input_.erase(0, 3);
      return;
    }
    server_.messages_.push_back(input_.substr(0, end + 2));
    input_.erase(0, end + kEnd.size());
  }

  void start_tls() {
    if (!input_.empty()) return blame("clear text before the handshake");
    ssl_ = SSL_new(server_.tls_);
    SSL_set_fd(ssl_, descriptor_);
    if (SSL_accept(ssl_) != 1) going_ = false;
  }

  bool read_more() {
    std::string chunk(65536, '\0');
    const auto size = static_cast<int>(chunk.size());
    const auto count = ssl_ != nullptr
                           ? SSL_read(ssl_, chunk.data(), size)
                           : static_cast<int>(recv(descriptor_, chunk.data(), chunk.size(), 0));
    if (count <= 0) {
      if (count < 0 && errno == EAGAIN) blame("nothing came for too long");
      return false;
    }
    chunk.resize(static_cast<std::size_t>(count));
    input_ += chunk;
    server_.reads_.push_back(std::move(chunk));
    return true;
  }

  void flush() {
    std::string_view rest = output_;
    while (!rest.empty()) {
      const auto count =
          ssl_ != nullptr
              ? SSL_write(ssl_, rest.data(), static_cast<int>(rest.size()))
              : static_cast<int>(send(descriptor_, rest.data(), rest.size(), MSG_NOSIGNAL));
      if (count <= 0) break;  // The client may have gone, as the script may want.
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
    output_.clear();
  }

  void blame(const std::string& what) {
    if (server_.problem_.empty()) server_.problem_ = what;
    going_ = false;
  }

  ScriptedServer& server_;
  int descriptor_;
  SSL* ssl_ = nullptr;
  bool going_ = true;
  std::string input_;
  std::string output_;
};

ScriptedServer::ScriptedServer(std::vector<std::string> scripts, SSL_CTX* tls)
    : scripts_(std::move(scripts)),
      tls_(tls),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      endpoint_(*Endpoint::parse("127.0.0.1:0")) {
  sockaddr_storage storage{};
  socklen_t length = endpoint_.to_sockaddr(storage);
  const timeval patience{.tv_sec = kPatienceMs / 1000, .tv_usec = 0};
  setsockopt(listener_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&storage), length) != 0) std::abort();
  if (listen(listener_, 16) != 0) std::abort();
  length = sizeof storage;
  getsockname(listener_, reinterpret_cast<sockaddr*>(&storage), &length);
  endpoint_ = Endpoint::from_sockaddr(storage);
  thread_ = std::thread([this] { run(); });
}

ScriptedServer::~ScriptedServer() {
  (void)finish();
  close(listener_);
}

std::string ScriptedServer::finish() {
  if (thread_.joinable()) thread_.join();
  return problem_;
}

void ScriptedServer::run() {
  for (const std::string& script : scripts_) {
    pollfd waiting{.fd = listener_, .events = POLLIN, .revents = 0};
    const bool called = poll(&waiting, 1, kPatienceMs) == 1;
    const int descriptor = called ? accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC) : -1;
    if (descriptor < 0) {
      if (problem_.empty()) problem_ = "nobody came for: " + script;
      return;
    }
    Conversation(*this, descriptor).follow(script);
  }
}

}  // namespace signet::test
