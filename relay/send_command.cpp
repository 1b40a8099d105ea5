// `signet send`: submits one message to the relay, as sendmail(1) does for cron, PHP and scripts.
// Exit status by sysexits.h: whoever calls may try again exactly at 75, when nothing was taken.
#include <fcntl.h>
#include <netdb.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <optional>

#include "config/reader.hpp"
#include "relay/commands.hpp"
#include "relay/net/descriptor.hpp"
#include "relay/smtp/data.hpp"
#include "relay/smtp/reply.hpp"
#include "relay/submission.hpp"

namespace signet::commands {
namespace {

using submission::Submission;

constexpr const char* kConfig = "/etc/signet/signet.toml";
constexpr const char* kSocket = "unix:/run/signet/submit.sock";
constexpr time_t kPatience = 600;  // For one reply: RFC 5321 4.5.3.2.6.
constexpr std::string_view kUnix = "unix:";

constexpr const char* kUsage =
    "usage: signet send [-t] [-i] [-f SENDER] [-F NAME] [--config FILE | --server ADDRESS] "
    "[RECIPIENT...]\n"
    "Submits the message on standard input to the relay.\n"
    "  -t             recipients are those in To, Cc and Bcc; Bcc is removed\n"
    "  -i, -oi        a line with a lone dot is a line like any other\n"
    "  -f, -r SENDER  envelope sender (default: the user who calls)\n"
    "  -F NAME        name in From, where the message has no From\n"
    "  --config FILE  whose listener to use (default: /etc/signet/signet.toml if it may be read)\n"
    "  --server ADDR  unix:/path or address:port (default: unix:/run/signet/submit.sock)\n"
    "Other options of sendmail(1) are taken and mean nothing.\n"
    "Recipients that are refused for good are named; the others get the message all the same. One\n"
    "that is refused for now keeps it from all, so that it can be tried again as a whole.\n"
    "Exit status (sysexits.h): 0 taken for all; 75 taken for nobody, try again; 67 some recipient\n"
    "refused, taken for the others; 64 wrong usage, 65 wrong message, 69, 76 the server does not\n"
    "serve, 77 the sender may not send, 78 wrong configuration: taken for nobody.\n";

struct Ended {
  int status = EX_OK;
  std::string why;
};

int complain(int status, const std::string& why) {
  std::fprintf(stderr, "signet send: %s\n", why.c_str());
  return status;
}

std::string first_word_of(const char* file) {
  std::ifstream stream(file);
  std::string word;
  stream >> word;
  return word;
}

submission::Origin origin_of(const config::Settings* settings) {
  submission::Origin origin{.user = std::to_string(getuid()),
                            .full_name = {},
                            .host = first_word_of("/etc/mailname"),
                            .now = SystemClock().now()};
  if (const passwd* entry = getpwuid(getuid()); entry != nullptr) {
    origin.user = entry->pw_name;
    origin.full_name = entry->pw_gecos == nullptr ? "" : entry->pw_gecos;
    origin.full_name.resize(std::min(origin.full_name.size(), origin.full_name.find(',')));
  }
  if (origin.host.empty() && settings != nullptr) origin.host = settings->hostname;
  if (origin.host.empty()) {
    std::array<char, 256> name{};
    gethostname(name.data(), name.size() - 1);
    origin.host = name.data();
  }
  return origin;
}

/// Where the relay of this configuration takes mail without TLS and AUTH; empty: nowhere.
std::string server_of(const config::Settings& settings) {
  for (const auto& listener : settings.listeners) {
    if (!listener.socket.empty()) return std::string(kUnix) + listener.socket.string();
  }
  for (const auto& listener : settings.listeners) {
    if (listener.require_tls || listener.require_auth || !listener.proxy_from.empty() ||
        listener.tls == config::ListenerTls::implicit) {
      continue;
    }
    Endpoint server = listener.address;
    if (server.address == IpAddress{}) server.address = *IpAddress::parse("127.0.0.1");
    if (server.address == *IpAddress::parse("::")) server.address = *IpAddress::parse("::1");
    return server.to_string();
  }
  return {};
}

Result<net::Descriptor> connect_to(const std::string& server) {
  sockaddr_storage storage{};
  socklen_t length = 0;
  if (server.starts_with(kUnix)) {
    const std::string path = server.substr(kUnix.size());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail(Fault::bad_parameter, "path too long");
    std::memcpy(address.sun_path, path.data(), path.size());
    std::memcpy(&storage, &address, sizeof address);
    length = sizeof address;
  } else {
    const auto endpoint = Endpoint::parse(server);
    if (!endpoint) return fail(Fault::bad_parameter, "not unix:/path or address:port");
    length = endpoint->to_sockaddr(storage);
  }
  net::Descriptor socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = kPatience, .tv_usec = 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(socket.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0) {
    return fail(Fault::connect_failed, std::strerror(errno));
  }
  return socket;
}

/// The client's side of one transaction, step by step: nothing here is in a hurry.
class Conversation {
 public:
  explicit Conversation(net::Descriptor socket) : socket_(std::move(socket)) {}

  [[nodiscard]] Ended submit(const Submission& mail) {
    if (!greet()) return ended_;
    const std::string body = mail.has_eight_bit ? " BODY=8BITMIME" : "";
    if (!step("MAIL FROM:<" + mail.sender + ">" + body, EX_NOPERM)) return ended_;
    if (!name_recipients(mail)) return ended_;
    if (!step("DATA", EX_UNAVAILABLE)) return ended_;
    std::string data;
    smtp::DataEncoder encoder;
    encoder.encode(mail.message, data);
    encoder.finish(data);
    if (!write(data) || !read(EX_DATAERR)) return ended_;
    static_cast<void>(write("QUIT\r\n"));
    return {refused_.empty() ? EX_OK : EX_NOUSER, refused_};
  }

 private:
  /// Who is refused for good is noted and left out, as long as somebody remains. A refusal for now
  /// ends it before anything is taken: a second try must not send to anybody twice.
  [[nodiscard]] bool name_recipients(const Submission& mail) {
    std::size_t refused = 0;
    for (const std::string& recipient : mail.recipients) {
      if (step("RCPT TO:<" + recipient + ">", EX_NOUSER)) continue;
      if (ended_.status != EX_NOUSER) return false;
      const std::string line = recipient + ": " + ended_.why;
      refused_ += refused++ == 0 ? line : "\nsignet send: " + line;
    }
    return refused < mail.recipients.size() || give_up(EX_NOUSER, refused_);
  }
  [[nodiscard]] bool greet() {
    if (!read(EX_UNAVAILABLE)) return false;
    std::array<char, 256> host{};
    gethostname(host.data(), host.size() - 1);
    return step("EHLO " + std::string(host.data()), EX_PROTOCOL);
  }
  [[nodiscard]] bool step(const std::string& command, int status_if_refused) {
    return write(command + "\r\n") && read(status_if_refused);
  }
  [[nodiscard]] bool write(std::string_view octets) {
    while (!octets.empty()) {
      const ssize_t sent = send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
      if (sent <= 0) return give_up(EX_TEMPFAIL, "the relay is gone");
      octets.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  [[nodiscard]] bool read(int status_if_refused) {
    std::optional<smtp::Reply> said;
    while (!said) {
      auto reply = replies_.next();
      if (!reply) return give_up(EX_PROTOCOL, "this is no SMTP server");
      said = std::move(*reply);
      if (said) break;
      std::array<char, 4096> room{};
      const ssize_t got = recv(socket_.get(), room.data(), room.size(), 0);
      if (got <= 0) return give_up(EX_TEMPFAIL, "the relay is gone");
      replies_.feed({room.data(), static_cast<std::size_t>(got)});
    }
    if (said->is_positive()) return true;
    return give_up(said->is_transient() ? EX_TEMPFAIL : status_if_refused, said->to_string());
  }
  [[nodiscard]] bool give_up(int status, const std::string& why) {
    ended_ = {status, why};
    return false;
  }

  net::Descriptor socket_;
  smtp::ReplyReader replies_;
  Ended ended_;
  std::string refused_;  // A line for each recipient who was left out.
};

/// Standard input; false when it is too much.
bool read_input(std::string& into) {
  std::array<char, 65536> room{};
  for (ssize_t got = 1; got > 0;) {
    got = ::read(STDIN_FILENO, room.data(), room.size());
    if (got > 0) into.append(room.data(), static_cast<std::size_t>(got));
    if (got < 0 && errno == EINTR) got = 1;
    if (into.size() > submission::kMostOctets) return false;
  }
  return true;
}

/// A configuration that can't be read is no fault: it holds secrets.
std::shared_ptr<const config::Settings> read_settings(const submission::Options& options) {
  return config::load(options.config.empty() ? kConfig : options.config).settings;
}

}  // namespace

int send(const std::vector<std::string>& arguments) {
  const auto options = submission::parse_options(arguments);
  if (!options) return complain(EX_USAGE, options.error().detail);
  if (options->wants_help) {
    std::fputs(kUsage, stdout);
    return EX_OK;
  }
  const auto settings = read_settings(*options);
  if (!options->config.empty() && !settings) {
    return complain(EX_CONFIG, options->config + " can't be used: see signet check");
  }
  std::string server = options->server;
  if (server.empty()) server = settings ? server_of(*settings) : kSocket;
  if (server.empty()) {
    return complain(EX_CONFIG, "no [[listen]] takes mail without AUTH: add one at unix:/path");
  }
  std::string input;
  if (!read_input(input)) return complain(EX_DATAERR, "the message is too large");
  const auto mail = submission::prepare(*options, origin_of(settings.get()), input);
  if (!mail) {
    const bool is_usage = mail.error().fault == Fault::no_valid_recipients;
    return complain(is_usage ? EX_USAGE : EX_DATAERR,
                    is_usage ? "no recipient" : mail.error().public_text());
  }
  auto socket = connect_to(server);
  if (!socket) {
    const bool is_usage = socket.error().fault == Fault::bad_parameter;
    return complain(is_usage ? EX_USAGE : EX_TEMPFAIL, server + ": " + socket.error().detail);
  }
  const Ended ended = Conversation(std::move(*socket)).submit(*mail);
  return ended.status == EX_OK ? EX_OK : complain(ended.status, ended.why);
}

}  // namespace signet::commands
