// `signet demo`: the whole job on loopback, with nothing configured.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <utility>

#include "keys/create_key.hpp"
#include "keys/domain_store.hpp"
#include "monitoring/log.hpp"
#include "relay/commands.hpp"
#include "relay/relay.hpp"
#include "relay/sign/verifier.hpp"

namespace signet::commands {
namespace {

constexpr std::string_view kDomain = "demo.example";
constexpr std::chrono::seconds kPatience{20};
constexpr std::chrono::milliseconds kPoll{20};

struct Checks {
  bool all_hold = true;
  void tell(bool holds, const std::string& what) {
    std::printf("%s  %s\n", holds ? "ok  " : "FAIL", what.c_str());
    std::fflush(stdout);
    all_hold = all_hold && holds;
  }
};

std::shared_ptr<config::Settings> embedded_settings(const std::filesystem::path& directory,
                                                    bool once) {
  auto settings = std::make_shared<config::Settings>();
  settings->hostname = "signet.demo.example";
  settings->store = directory / "domains";
  settings->spool = directory / "spool";
  config::ListenerSettings listener;
  listener.name = "smtp";
  listener.address = *Endpoint::parse(once ? "127.0.0.1:0" : "127.0.0.1:2525");
  settings->listeners.push_back(listener);
  config::ClientSettings client;
  client.name = "loopback";
  client.networks = {*IpNetwork::parse("127.0.0.0/8")};
  client.all_domains = true;
  settings->clients.push_back(client);
  config::RouteSettings route;
  route.name = "maildir";
  route.kind = config::RouteKind::maildir;
  route.maildir = directory / "Maildir";
  route.is_default = true;
  settings->routes.push_back(route);
  settings->dsn.from = "mailer-daemon@" + std::string(kDomain);
  settings->monitoring.listen = Endpoint::parse(once ? "127.0.0.1:0" : "127.0.0.1:9125").value();
  settings->limits.min_free_share = 0;
  settings->limits.min_free_bytes = 64ULL << 20U;
  return settings;
}

Result<std::string> make_key(const config::Settings& settings,
                             const std::filesystem::path& zone_file) {
  const Domain domain = *Domain::parse(kDomain);
  auto key = keys::create_key({.directory = settings.store}, domain, "demo", keys::Algorithm::rsa,
                              {.at = SystemClock().now(), .reason = "demo", .by = {}});
  if (!key) return key.failure();
  std::string record = key->key.dns_record();
  std::ofstream zone(zone_file);
  zone << keys::zone_line(key->selector, domain.text(), record) << '\n';
  if (!zone.flush()) return fail(Fault::configuration, "can't write " + zone_file.string());
  return record;
}

net::Task<Result<std::string_view>> next_slice(std::shared_ptr<bool> sent, std::string_view body) {
  co_return std::exchange(*sent, true) ? std::string_view{} : body;
}

net::Task<Result<void>> nothing_to_record() { co_return Result<void>{}; }

/// Sends the message as any client would: through the listener.
net::Task<Result<std::string>> send(net::Loop& loop, Endpoint to) {
  static const std::string body =
      "This message was accepted, signed, verified, stored and delivered by Signet.\r\n";
  auto tls = net::ClientTls::load({});
  if (!tls) co_return tls.failure();
  auto connection = co_await deliver::Connection::open(loop, {.host = "localhost",
                                                              .endpoint = to,
                                                              .bind = {},
                                                              .helo = "demo-client.example",
                                                              .tls = config::TlsPolicy::none,
                                                              .user = {},
                                                              .password = {},
                                                              .tls_settings = std::move(*tls),
                                                              .timeouts = {}});
  if (!connection) co_return connection.failure();
  const Domain domain = *Domain::parse(kDomain);
  deliver::Transaction transaction;
  transaction.sender = Mailbox{"app", domain};
  transaction.recipients.push_back({Mailbox{"somebody", *Domain::parse("receiver.example")}, {}});
  transaction.head =
      "From: App <app@demo.example>\r\nTo: somebody@receiver.example\r\nSubject: Hello from "
      "Signet\r\n\r\n";
  transaction.body_size = body.size();
  transaction.next_slice = [sent = std::make_shared<bool>(false)] {
    return next_slice(sent, body);
  };
  transaction.before_dot = [](std::vector<std::uint32_t>) { return nothing_to_record(); };
  auto outcomes = co_await (*connection)->send(std::move(transaction));
  co_await (*connection)->quit();
  if (outcomes.front().result != deliver::RecipientResult::delivered) {
    co_return fail(Fault::peer_permanent, outcomes.front().reply);
  }
  co_return outcomes.front().reply;
}

/// A file of the Maildir whose name holds the queue id.
std::optional<std::string> find_message(const std::filesystem::path& maildir,
                                        const std::string& id) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(maildir / "new", error)) {
    if (entry.path().filename().string().find(id) != std::string::npos)
      return entry.path().string();
  }
  return std::nullopt;
}

net::Task<std::optional<std::string>> wait_for_message(net::Loop& loop,
                                                       std::filesystem::path maildir,
                                                       std::string id) {
  std::optional<std::string> file;
  for (auto waited = std::chrono::milliseconds(0); waited < kPatience; waited += kPoll) {
    file = find_message(maildir, id);
    if (file) break;
    co_await loop.sleep(kPoll);
  }
  co_return file;
}

std::string read_as_sent(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string message;
  for (std::string line; std::getline(stream, line);) message += line + "\r\n";
  return message;
}

net::Task<void> run_checks(Relay& relay, std::filesystem::path directory, std::string record,
                           Checks& checks, bool once) {
  const Endpoint listener = relay.smtp_endpoints().front();  // Gone when somebody stops it.
  std::printf("Sending a message from app@%s to somebody@receiver.example over SMTP to %s\n",
              std::string(kDomain).c_str(), listener.to_string().c_str());
  const auto reply = co_await send(relay.control(), listener);
  checks.tell(reply.has_value(), "accepted: " + (reply ? *reply : reply.error().detail));
  if (reply) {
    const auto file = co_await wait_for_message(relay.control(), directory / "Maildir",
                                                reply->substr(reply->rfind(' ') + 1));
    checks.tell(file.has_value(), "delivered: " + file.value_or("no message in the Maildir"));
    if (file) {
      const auto lookup = [&](const std::string& name) -> Result<std::string> {
        if (name == "demo._domainkey." + std::string(kDomain)) return record;
        return fail(Fault::not_found, name);
      };
      const auto verdicts =
          sign::verify_message(read_as_sent(*file), lookup, unix_seconds(SystemClock().now()));
      const bool passes =
          verdicts.size() == 1 && verdicts.front().result == sign::SignatureResult::pass;
      checks.tell(!verdicts.empty(),
                  "signed: " + (verdicts.empty() ? "no signature"
                                                 : "d=" + verdicts.front().domain +
                                                       " s=" + verdicts.front().selector +
                                                       " a=" + verdicts.front().algorithm));
      checks.tell(passes, passes ? "verified with the key record in dns.zone"
                                 : "the signature does not verify");
    }
  }
  if (once || !checks.all_hold) {
    relay.stop();
  } else {
    std::printf(
        "\nServing. SMTP on %s, metrics on http://127.0.0.1:9125/metrics. Mail From any address at "
        "%s is signed and lands in\n"
        "%s. Try:\n\n"
        "  printf 'From: me@%s\\nTo: you@example.net\\nSubject: hi\\n\\nhello\\n' | \\\n"
        "    curl --url smtp://127.0.0.1:2525 --mail-from me@%s --mail-rcpt you@example.net --crlf "
        "-T -\n\n"
        "Ctrl-C ends it.\n",
        listener.to_string().c_str(), std::string(kDomain).c_str(),
        (directory / "Maildir/new").c_str(), std::string(kDomain).c_str(),
        std::string(kDomain).c_str());
    std::fflush(stdout);
  }
}

Result<std::filesystem::path> prepare_directory(std::filesystem::path directory) {
  if (directory.empty()) {
    std::string pattern = (std::filesystem::temp_directory_path() / "signet-demo.XXXXXX").string();
    if (!mkdtemp(pattern.data()))
      return fail(Fault::configuration, "can't make a directory below the temporary directory");
    return std::filesystem::path(pattern);
  }
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return fail(Fault::configuration, "can't make " + directory.string() + ": " + error.message());
  return std::filesystem::absolute(directory);
}

int complain(const Error& error) {
  std::fprintf(stderr, "signet demo: %s\n",
               error.detail.empty() ? error.public_text().c_str() : error.detail.c_str());
  return 2;
}

}  // namespace

int demo(const DemoOptions& options) {
  const auto directory = prepare_directory(options.directory);
  if (!directory) return complain(directory.error());
  monitoring::set_up_log("warning");
  const auto settings = embedded_settings(*directory, options.once);
  const auto record = make_key(*settings, *directory / "dns.zone");
  if (!record) return complain(record.error());
  std::printf("Everything is below %s\nThe key record to publish is in dns.zone\n",
              directory->c_str());
  auto relay = Relay::open({.settings = settings, .config_file = {}, .announce = {}});
  if (!relay) return complain(relay.error());
  Checks checks;
  net::TaskScope scope;
  scope.spawn(run_checks(**relay, *directory, *record, checks, options.once));
  (*relay)->run();
  scope.clear();
  relay->reset();
  monitoring::shut_down_log();
  return checks.all_hold ? 0 : 1;
}

}  // namespace signet::commands
