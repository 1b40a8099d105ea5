#include "tests/bench/million.hpp"

#include <chrono>
#include <cstdio>

#include "relay/base/clock.hpp"
#include "tests/bench/relay_process.hpp"
#include "tests/bench/smtp_load.hpp"
#include "tests/bench/spool_fill.hpp"

namespace signet::bench {
namespace {

constexpr std::size_t kMessages = 20'000;  // Of each load.
constexpr std::size_t kDomainsInUse = 1000;
constexpr double kMebibyte = 1 << 20;

/// Messages accepted in a second; and all of them are delivered when it returns.
double accept_rate(const RelayProcess& relay, const Sink& sink) {
  const std::uint64_t before = sink.received();
  const LoadResult load = send_load({.port = relay.smtp_port(),
                                     .connections = 20,
                                     .messages = kMessages,
                                     .message = message_from("bench.example")});
  if (!sink.wait_for(before + load.accepted, std::chrono::seconds(60)))
    std::fprintf(stderr, "bench: not all arrived\n");
  return static_cast<double>(load.accepted) / load.seconds;
}

}  // namespace

std::string message_from(const std::string& domain) {
  std::string message = "From: App <app@" + domain +
                        ">\r\nTo: user@sink.example\r\nSubject: bench\r\n"
                        "Date: Mon, 23 Nov 2026 17:00:00 +0000\r\nMessage-ID: <1@" +
                        domain + ">\r\n\r\n";
  while (message.size() < 4096) message += "The quick brown fox jumps over the lazy dog.\r\n";
  return message;
}

std::filesystem::path make_domains(const MillionPlan& plan, const std::string& name,
                                   std::uint64_t count) {
  const auto store = plan.directory / name;
  std::filesystem::create_directory(store);
  std::filesystem::copy(plan.directory / "domains/bench.example", store / "key",
                        std::filesystem::copy_options::recursive);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto folder = store / ("d" + std::to_string(i) + ".example");
    std::filesystem::create_directory(folder);
    for (const auto& file : std::filesystem::directory_iterator(store / "key")) {
      const auto file_name = file.path().filename();
      std::filesystem::create_symlink("../key" / file_name, folder / file_name);
    }
  }
  return store;
}

nlohmann::json deferred_million(const MillionPlan& plan) {
  const std::string store = (plan.directory / "domains").string();
  const std::string domains = "[\"bench.example\"]";
  Sink sink;
  fill_spool(plan.directory / "spool_deferred", plan.count,
             SystemClock().now() + std::chrono::hours(6));
  double empty_rate = 0;
  double rate = 0;
  double ready = 0;
  double resident = 0;
  {
    const RelayProcess relay(plan.program,
                             plan.write_config(sink.port(), "spool_deferred", store, domains));
    ready = relay.seconds_to_ready();
    (void)accept_rate(relay, sink);
    rate = accept_rate(relay, sink);
    resident = static_cast<double>(relay.resident_bytes()) / kMebibyte;
  }
  {
    const RelayProcess relay(plan.program,
                             plan.write_config(sink.port(), "spool_empty", store, domains));
    (void)accept_rate(relay, sink);
    empty_rate = accept_rate(relay, sink);
  }
  plan.figure("deferred_million_rss_mb", resident, "<= 200");
  plan.figure("deferred_accept_ratio", rate / empty_rate, ">= 0.9");
  plan.figure("deferred_ready_s", ready, "<= 3");
  return {{"deferred", plan.count},
          {"accepted_per_s", rate},
          {"accepted_per_s_when_empty", empty_rate}};
}

nlohmann::json domains_million(const MillionPlan& plan) {
  const auto store = make_domains(plan, "million", plan.count);
  Sink sink;
  const RelayProcess relay(
      plan.program, plan.write_config(sink.port(), "spool_domains", store.string(), "\"all\""));
  std::uint64_t accepted = 0;
  for (std::uint64_t i = 0; i < kDomainsInUse; ++i) {
    const std::string domain = "d" + std::to_string(i * (plan.count / kDomainsInUse)) + ".example";
    accepted += send_load({.port = relay.smtp_port(),
                           .messages = 1,
                           .message = message_from(domain),
                           .sender = "app@" + domain})
                    .accepted;
  }
  plan.figure("domains_million_start_s", relay.seconds_to_ready(), "<= 3");
  plan.figure("domains_million_rss_mb", static_cast<double>(relay.resident_bytes()) / kMebibyte,
              "<= 200");
  return {{"domains", plan.count}, {"in_use", kDomainsInUse}, {"accepted", accepted}};
}

}  // namespace signet::bench
