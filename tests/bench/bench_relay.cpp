// `./dev bench`: the figures of the relay as ratios to the raw limits of the same run, with the raw
// counts.
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>

#include "keys/create_key.hpp"
#include "keys/domain_store.hpp"
#include "relay/sign/plan.hpp"
#include "relay/sign/signer.hpp"
#include "tests/bench/million.hpp"
#include "tests/bench/peer_comparison.hpp"
#include "tests/bench/relay_process.hpp"
#include "tests/bench/scrape.hpp"
#include "tests/bench/smtp_load.hpp"
#include "tests/support/scratch_folder.hpp"

namespace signet::bench {
namespace {

using nlohmann::json;

double thread_cpu() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::string message_of(std::size_t size) {
  std::string message =
      "From: App <app@bench.example>\r\nTo: user@sink.example\r\nSubject: bench\r\nDate: Mon, 23 "
      "Nov 2026 17:00:00 +0000\r\n"
      "Message-ID: <1@bench.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
      "charset=utf-8\r\n\r\n";
  const std::string line =
      "The quick brown fox jumps over the lazy dog, and the lazy dog does not mind at all.\r\n";
  while (message.size() + line.size() < size) message += line;
  return message;
}

/// CPU seconds of one raw signature over 32 octets with the key loaded.
double raw_sign_cpu(const keys::PrivateKey& key, int rounds) {
  const bool is_rsa = key.algorithm() == keys::Algorithm::rsa;
  unsigned char digest[32] = {1};
  unsigned char signature[512];
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  const double start = thread_cpu();
  for (int i = 0; i < rounds; ++i) {
    std::size_t size = sizeof signature;
    digest[0] = static_cast<unsigned char>(i);
    EVP_DigestSignInit(context.get(), nullptr, is_rsa ? EVP_sha256() : nullptr, nullptr,
                       key.handle());
    if (EVP_DigestSign(context.get(), signature, &size, digest, sizeof digest) != 1) std::abort();
    EVP_MD_CTX_reset(context.get());
  }
  return (thread_cpu() - start) / rounds;
}

/// CPU seconds of sign and self-verify of one message.
double sign_cpu(const std::shared_ptr<const keys::SigningDomain>& domain,
                const std::string& message, int rounds) {
  const auto signer = sign::make_opendkim_signer();
  if (!signer) std::abort();
  const std::size_t end = message.find("\r\n\r\n");
  const std::string header = message.substr(0, end + 2);
  const std::string body = message.substr(end + 4);
  const sign::Plan plan =
      sign::make_plan({.author_domain = domain, .life = std::chrono::hours(288)});
  const double start = thread_cpu();
  for (int i = 0; i < rounds; ++i) {
    auto signing = (*signer)->begin(plan, header, SystemClock().now());
    if (!signing || !(*signing)->body(body) || !(*signing)->finish()) std::abort();
  }
  return (thread_cpu() - start) / rounds;
}

/// Milliseconds of each of `rounds` appends of 6 KiB made durable: the floor under every 250.
std::vector<double> sync_times_ms(const std::filesystem::path& file, int rounds) {
  const int descriptor = open(file.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  const std::string block(6144, 'x');
  std::vector<double> times;
  for (int i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    if (write(descriptor, block.data(), block.size()) < 0 || fdatasync(descriptor) != 0)
      std::abort();
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
            .count());
  }
  close(descriptor);
  std::ranges::sort(times);
  return times;
}

constexpr int kRsaRounds = 500;

class Bench {
 public:
  struct Options {
    std::filesystem::path program;
    std::filesystem::path directory = std::filesystem::temp_directory_path();
    std::size_t messages = 20000;  ///< Of 4 KiB in a load.
    std::uint64_t million = 1'000'000;
    std::vector<std::string> only;  ///< Beginnings of the names of cases; empty: all.
  };

  explicit Bench(Options options)
      : program_(options.program),
        messages_(options.messages),
        million_(options.million),
        only_(std::move(options.only)),
        folder_(options.directory) {}

  json run() {
    make_domain();
    signing();
    if (wants("sync")) syncing();
    throughput();
    if (wants("latency")) latency_at_50();
    if (wants("idle")) idle_connections();
    if (wants("deferred")) raw_["deferred_million"] = deferred_million(million_plan());
    if (wants("domains")) raw_["domains_million"] = domains_million(million_plan());
    if (wants("scrape")) raw_["scrape"] = scrape(million_plan());
    if (wants("peers")) peers();
    return {{"figures", figures_}, {"raw", raw_}};
  }

 private:
  [[nodiscard]] bool wants(const std::string& name) const {
    return only_.empty() || std::ranges::any_of(only_, [&](const std::string& beginning) {
             return name == beginning || name.starts_with(beginning + '_');
           });
  }

  void figure(const std::string& name, double value, const std::string& budget) {
    figures_[name] = value;
    std::printf("%-32s %10.3f   budget %s\n", name.c_str(), value, budget.c_str());
  }

  void make_domain() {
    const auto made = keys::create_key({.directory = directory_ / "domains"},
                                       *Domain::parse("bench.example"), "b1", keys::Algorithm::rsa,
                                       {.at = SystemClock().now(), .reason = "bench", .by = {}});
    if (!made) std::abort();
    domain_ = *keys::read_domain(directory_ / "domains", *Domain::parse("bench.example"), false,
                                 SystemClock().now());
  }

  void signing() {
    constexpr int kRounds = 1000;
    const std::string message = message_of(4096);
    double rsa = raw_sign_cpu(domain_->keys.front().key, kRounds);
    const double signed_message = sign_cpu(domain_, message, 2 * kRounds);
    rsa = (rsa + raw_sign_cpu(domain_->keys.front().key, kRounds)) / 2;
    const auto ed25519 = keys::PrivateKey::generate(keys::Algorithm::ed25519);
    raw_["rsa_2048_cpu_s"] = rsa;
    raw_["ed25519_cpu_s"] = raw_sign_cpu(*ed25519, kRounds);
    raw_["sign_and_verify_4k_cpu_s"] = signed_message;
    figure("sign_vs_raw_rsa", rsa / signed_message, ">= 0.80");
  }

  MillionPlan million_plan() {
    return {.program = program_,
            .directory = directory_,
            .count = million_,
            .write_config =
                [this](std::uint16_t sink_port, const std::string& spool, const std::string& store,
                       const std::string& domains) {
                  return write_config(sink_port, spool, store, domains);
                },
            .figure = [this](const std::string& name, double value,
                             const std::string& budget) { figure(name, value, budget); }};
  }

  std::filesystem::path write_config(std::uint16_t sink_port, const std::string& spool) {
    return write_config(sink_port, spool, (directory_ / "domains").string(), "[\"bench.example\"]");
  }

  std::filesystem::path write_config(std::uint16_t sink_port, const std::string& spool,
                                     const std::string& store, const std::string& domains) {
    const auto file = directory_ / (spool + ".toml");
    std::ofstream config(file);
    config << "hostname = \"relay.example\"\nstore = \"" << store << "\"\nspool = \""
           << (directory_ / spool).string()
           << "\"\n[[listen]]\naddress = \"127.0.0.1:0\"\n[[client]]\nname = \"bench\"\nnetworks = "
              "[\"127.0.0.0/8\"]\n"
              "domains = "
           << domains
           << "\n[[route]]\nname = \"sink\"\ndefault = true\nnext_hop "
              "= \"smtp://127.0.0.1:"
           << sink_port
           << "\"\n[limits]\nmin_free_bytes = 1048576\nmin_free_share = 0.0\nconnections = 15000\n"
           << "[alignment]\nenabled = false\n[dsn]\nfrom = "
              "\"mailer-daemon@bench.example\"\n[monitoring]\nlog_level = \"warning\"\n";
    return file;
  }

  void throughput() {
    struct Case {
      const char* name;
      std::size_t size;
      std::size_t messages;
    };
    for (const auto& [name, size, messages] :
         {Case{"4k", 4096, messages_}, Case{"100k", 102400, messages_ / 8},
          Case{"1m", 1048576, messages_ / 50}}) {
      for (const std::size_t connections : {1UZ, 20UZ, 200UZ})
        if (wants(std::string(name) + "_" + std::to_string(connections)))
          one_load(name, size, connections == 1 ? messages / 10 : messages, connections);
    }
  }

  void syncing() {
    const auto times = sync_times_ms(directory_ / "sync", 200);
    raw_["sync_p50_ms"] = percentile(times, 0.5);
    raw_["sync_p99_ms"] = percentile(times, 0.99);
    std::printf("  one append and fdatasync: p50 %.2f ms  p99 %.2f ms\n", percentile(times, 0.5),
                percentile(times, 0.99));
  }

  void one_load(const std::string& name, std::size_t size, std::size_t messages,
                std::size_t connections) {
    Sink sink;
    const std::string label = name + "_" + std::to_string(connections);
    RelayProcess relay(program_, write_config(sink.port(), "spool_" + label));
    LoadPlan plan{.port = relay.smtp_port(),
                  .connections = connections,
                  .messages = messages / 10 + connections,
                  .message = message_of(size)};
    const auto warm = send_load(plan);
    if (!sink.wait_for(warm.accepted, std::chrono::seconds(60)))
      std::fprintf(stderr, "bench: warm-up did not arrive\n");
    plan.messages = messages;
    double rsa_cpu = raw_sign_cpu(domain_->keys.front().key, kRsaRounds);  // Before and after.
    const double cpu = relay.cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    const LoadResult load = send_load(plan);
    const bool all = sink.wait_for(warm.accepted + load.accepted, std::chrono::seconds(60));
    const double wall =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double used = relay.cpu_seconds() - cpu;
    rsa_cpu = (rsa_cpu + raw_sign_cpu(domain_->keys.front().key, kRsaRounds)) / 2;
    const double per_message = used / static_cast<double>(messages);
    raw_["load_" + label] = {{"messages", messages},
                             {"accepted", load.accepted},
                             {"refused", load.refused},
                             {"all_delivered", all},
                             {"cpu_s", used},
                             {"rsa_2048_cpu_s", rsa_cpu},
                             {"seconds", wall},
                             {"accept_seconds", load.seconds},
                             {"messages_per_s", static_cast<double>(messages) / wall},
                             {"p50_ms", percentile(load.latencies_ms, 0.5)},
                             {"p99_ms", percentile(load.latencies_ms, 0.99)},
                             {"resident_bytes", relay.resident_bytes()}};
    std::printf(
        "  %-10s %8.0f messages/s  %7.3f ms CPU  %5.2f raw RSA  p50 %6.2f ms  p99 %6.2f ms%s\n",
        label.c_str(), static_cast<double>(messages) / wall, per_message * 1e3,
        per_message / rsa_cpu, percentile(load.latencies_ms, 0.5),
        percentile(load.latencies_ms, 0.99), all && load.refused == 0 ? "" : "  NOT ALL DELIVERED");
    if (label == "4k_20") figure("relay_cpu_per_rsa_4k", per_message / rsa_cpu, "<= 1.7");
    if (label == "1m_20") figure("relay_cpu_ms_1m", per_message * 1e3, "<= 9");
  }

  void latency_at_50() {
    Sink sink;
    RelayProcess relay(program_, write_config(sink.port(), "spool_latency"));
    const LoadPlan plan{.port = relay.smtp_port(),
                        .connections = 20,
                        .messages = 500,
                        .message = message_of(4096),
                        .per_second = 50};
    const LoadResult load = send_load(plan);
    (void)sink.wait_for(load.accepted, std::chrono::seconds(10));
    figure("accept_p99_ms_at_50", percentile(load.latencies_ms, 0.99), "<= 5");
    const auto transit = sink.after_answer_ms(load);
    figure("accept_to_sink_p99_ms_at_50", percentile(transit, 0.99), "<= 2");
    raw_["latency_at_50"] = {{"messages", load.accepted},
                             {"accept_p50_ms", percentile(load.latencies_ms, 0.5)},
                             {"transit_p50_ms", percentile(transit, 0.5)}};
  }

  void idle_connections() {
    constexpr std::size_t kCount = 10000;
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < kCount + 100) {
      std::printf("idle_connection_bytes: skipped, the descriptor limit is %lu\n",
                  static_cast<unsigned long>(limit.rlim_cur));
      return;
    }
    Sink sink;
    RelayProcess relay(program_, write_config(sink.port(), "spool_idle"));
    const std::uint64_t before = relay.resident_bytes();
    std::vector<int> descriptors;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(relay.smtp_port());
    for (std::size_t i = 0; i < kCount; ++i) {
      const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (descriptor < 0 ||
          connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        break;
      char greeting[128];
      if (read(descriptor, greeting, sizeof greeting) <= 0) break;
      descriptors.push_back(descriptor);
    }
    const std::uint64_t after = relay.resident_bytes();
    for (const int descriptor : descriptors) close(descriptor);
    raw_["idle"] = {
        {"connections", descriptors.size()}, {"before_bytes", before}, {"after_bytes", after}};
    figure("idle_connection_bytes",
           static_cast<double>(after - before) / static_cast<double>(descriptors.size()),
           "<= 16384");
  }

  void peers() {
    std::filesystem::permissions(directory_, std::filesystem::perms{0711});  // They change users.
    const PeerResult result = compare_with_peers(
        {.relay = program_,
         .folder = directory_ / "peers",
         .key = directory_ / "domains/bench.example/b1.pem",
         .cases = {{"4k", message_of(4096), messages_ / 10},
                   {"100k", message_of(102400), messages_ / 20},
                   {"1m", message_of(1048576), messages_ / 50}},
         .write_config = [this](std::uint16_t sink_port, const std::string& spool) {
           return write_config(sink_port, spool);
         }});
    raw_["peers"] = result.raw;
    for (const auto& [name, value] : result.figures.items())
      figure(name, value, name == "relay_vs_best_peer_4k" ? ">= 6" : ">= 5");
  }

  std::filesystem::path program_;
  std::size_t messages_;
  std::uint64_t million_;
  std::vector<std::string> only_;
  test::ScratchFolder folder_;
  std::filesystem::path directory_ = folder_.path();
  std::shared_ptr<const keys::SigningDomain> domain_;
  json figures_ = json::object();
  json raw_ = json::object();
};

}  // namespace
}  // namespace signet::bench

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::string json_file;
  signet::bench::Bench::Options options;
  options.program = std::filesystem::path(argv[0]).parent_path() / "signet";
  CLI::App app("The figures of the relay beside the raw limits of the same run.");
  app.add_option("--json", json_file, "Figures and raw counts go there too");
  app.add_option("--relay", options.program, "The program to measure")->check(CLI::ExistingFile);
  app.add_option("--messages", options.messages, "Messages of 4 KiB in a load");
  app.add_option("--million", options.million, "Deferred messages, and domains");
  app.add_option("--dir", options.directory, "Where the spools lie")->check(CLI::ExistingDirectory);
  app.add_option("--only", options.only, "Cases: 4k_20, latency, scrape, peers ...")
      ->delimiter(',');
  CLI11_PARSE(app, argc, argv);
  const auto result = signet::bench::Bench(std::move(options)).run();
  if (!json_file.empty()) std::ofstream(json_file) << result.dump(2) << '\n';
  return 0;
}
