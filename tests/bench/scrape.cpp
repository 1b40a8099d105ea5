#include "tests/bench/scrape.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "monitoring/metrics.hpp"
#include "tests/bench/relay_process.hpp"
#include "tests/bench/smtp_load.hpp"

namespace signet::bench {
namespace {

constexpr std::size_t kDomains = 1000;
constexpr int kScrapes = 50;
constexpr int kAuditChecks = 9;  // 10,000 series of a family are the limit.

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

std::string domain_name(std::size_t number) { return "d" + std::to_string(number) + ".example"; }

/// The whole answer of /metrics; empty where there is none.
std::string scrape_once(std::uint16_t port) {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  std::string answer;
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
  if (connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      write(descriptor, request.data(), request.size()) > 0) {
    std::vector<char> block(1 << 16);
    for (ssize_t got = 0; (got = read(descriptor, block.data(), block.size())) > 0;)
      answer.append(block.data(), static_cast<std::size_t>(got));
  }
  close(descriptor);
  return answer;
}

/// With mail judged, by name servers that are not there, and metrics served.
std::filesystem::path watched(const std::filesystem::path& config) {
  std::stringstream text;
  text << std::ifstream(config).rdbuf();
  std::string changed = text.str();
  const std::string off = "enabled = false";
  changed.replace(changed.find(off), off.size(), "deadline = \"100ms\"");
  changed += "listen = \"127.0.0.1:0\"\n[resolver]\nservers = [\"127.0.0.1:9\"]\n";
  std::ofstream(config) << changed;
  return config;
}

double expose_with_all_families(nlohmann::json& raw) {
  monitoring::Metrics metrics;
  for (std::size_t i = 0; i < kDomains; ++i) {
    const std::string name = domain_name(i);
    metrics.allow(monitoring::Metrics::Label::domain, name);
    metrics.allow(monitoring::Metrics::Label::egress, "192.0.2.1");
    metrics.signature_made(name, "rsa-sha256");
    metrics.signature_made(name, "ed25519-sha256");
    metrics.message_unsigned(name, "domain_without_key");
    metrics.alignment(name, "pass", "aligned", "send");
    metrics.alignment(name, "fail", "key_not_in_dns", "send");
    metrics.strict_alignment(name, "pass");
    metrics.worlds_differ(name);
    metrics.spf_result(name, "192.0.2.1", "pass", 4);
    for (const char* state : {"active", "published", "retiring"})
      metrics.domain_keys(name, state, 1);
    metrics.domain_key_rotation(name, 1);
    for (int check = 0; check < kAuditChecks; ++check)
      metrics.audit_check(name, "check" + std::to_string(check), 1);
  }
  std::vector<double> times;
  for (int i = 0; i < kScrapes; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const std::string text = metrics.expose();
    times.push_back(milliseconds_since(start));
    raw["all_families_bytes"] = text.size();
    raw["all_families_lines"] = std::ranges::count(text, '\n');
  }
  std::ranges::sort(times);
  return percentile(times, 0.99);
}

}  // namespace

nlohmann::json scrape(const MillionPlan& plan) {
  nlohmann::json raw;
  const auto store = make_domains(plan, "thousand", kDomains);
  Sink sink;
  const RelayProcess relay(plan.program, watched(plan.write_config(sink.port(), "spool_scrape",
                                                                   store.string(), "\"all\"")));
  for (std::size_t i = 0; i < kDomains; ++i)
    (void)send_load({.port = relay.smtp_port(),
                     .messages = 1,
                     .message = message_from(domain_name(i)),
                     .sender = "app@" + domain_name(i)});
  std::vector<double> times;
  for (int i = 0; i < kScrapes; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const std::string answer = scrape_once(relay.monitoring_port());
    times.push_back(milliseconds_since(start));
    raw["bytes"] = answer.size();
    raw["lines"] = std::ranges::count(answer, '\n');
  }
  std::ranges::sort(times);
  raw["p50_ms"] = percentile(times, 0.5);
  plan.figure("scrape_ms_1000_domains", percentile(times, 0.99), "<= 50");
  plan.figure("expose_ms_1000_domains", expose_with_all_families(raw), "<= 50");

  // Each message waits for the deadline of its verdict: only the difference is the scrapes'.
  const LoadPlan load{.port = relay.smtp_port(),
                      .connections = 20,
                      .messages = 500,
                      .message = message_from(domain_name(0)),
                      .per_second = 50,
                      .sender = "app@" + domain_name(0)};
  (void)send_load(load);  // The first questions to servers that are not there take longer.
  const double alone = percentile(send_load(load).latencies_ms, 0.99);
  std::atomic<bool> is_over = false;
  std::size_t scrapes = 0;
  std::thread scraper([&] {
    for (; !is_over; ++scrapes) (void)scrape_once(relay.monitoring_port());
  });
  const double scraped = percentile(send_load(load).latencies_ms, 0.99);
  is_over = true;
  scraper.join();
  raw["scrapes_meanwhile"] = scrapes;
  raw["accept_p99_ms_not_scraped"] = alone;
  plan.figure("accept_p99_ms_added_by_scrapes", scraped - alone, "<= 10");
  return raw;
}

}  // namespace signet::bench
