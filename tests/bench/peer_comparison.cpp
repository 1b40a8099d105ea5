#include "tests/bench/peer_comparison.hpp"

#include <sys/sysinfo.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "tests/bench/peer_process.hpp"
#include "tests/bench/relay_process.hpp"
#include "tests/bench/smtp_load.hpp"

namespace signet::bench {
namespace {

using nlohmann::json;

constexpr std::size_t kConnections = 20;
constexpr std::chrono::seconds kPatience{120};
constexpr const char* kSizeOfAllPeers = "4k";  ///< The others only against Postfix.
constexpr const char* kPostfix = "postfix_opendkim";
/// Modules of tests/bench/peers. All sync before their 250 and sign every message.
constexpr const char* kPeers[] = {kPostfix, "exim", "haraka"};

/// A server under load, of whichever kind.
struct Server {
  std::uint16_t port = 0;
  std::function<double()> cpu_seconds;
  std::function<std::size_t()> drain;  ///< Waits for an empty queue; how many are left.
};

double load_of_machine() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : -1;
}

/// The row of one server: raw counts, and whether all went through it, signed.
json measure(const Server& server, const Sink& sink, const PeerComparison::Case& load_case) {
  LoadPlan plan{.port = server.port,
                .connections = kConnections,
                .messages = load_case.count / 10 + kConnections,
                .message = load_case.message};
  const LoadResult warm = send_load(plan);
  bool all = sink.wait_for(warm.accepted, kPatience) && server.drain() == 0;
  plan.messages = load_case.count;
  const std::uint64_t before = sink.received();
  const std::uint64_t signed_before = sink.received_signed();
  const double cpu = server.cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  const LoadResult load = send_load(plan);
  all = sink.wait_for(before + load_case.count, kPatience) && all;
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::size_t queued = server.drain();
  const double used = server.cpu_seconds() - cpu;
  const std::uint64_t received = sink.received() - before;
  const std::uint64_t with_signature = sink.received_signed() - signed_before;
  return {{"messages", load_case.count},
          {"accepted", load.accepted},
          {"received", received},
          {"received_signed", with_signature},
          {"queued_at_end", queued},
          {"complete", all && queued == 0 && load.accepted == load_case.count &&
                           received == load_case.count && with_signature == load_case.count},
          {"cpu_s", used},
          {"seconds", wall},
          {"messages_per_cpu_s", static_cast<double>(load_case.count) / used},
          {"accept_p50_ms", percentile(load.latencies_ms, 0.5)},
          {"load_of_machine", load_of_machine()}};
}

json measure_relay(const PeerComparison& comparison, const PeerComparison::Case& load_case) {
  const Sink sink;
  const RelayProcess relay(comparison.relay,
                           comparison.write_config(sink.port(), "spool_peers_" + load_case.name));
  const Server server{.port = relay.smtp_port(),
                      .cpu_seconds = [&relay] { return relay.cpu_seconds(); },
                      .drain = [] { return 0UZ; }};
  return measure(server, sink, load_case);
}

/// Null if the peer can't be had here.
json measure_peer(const PeerComparison& comparison, const std::string& peer,
                  const PeerComparison::Case& load_case) {
  const Sink sink;
  const auto process = PeerProcess::start(peer, comparison.folder / (peer + "_" + load_case.name),
                                          sink.port(), comparison.key);
  if (!process) return nullptr;
  const Server server{.port = process->smtp_port(),
                      .cpu_seconds = [&process] { return process->cpu_seconds(); },
                      .drain = [&process] { return process->drain(); }};
  return measure(server, sink, load_case);
}

void print(const std::string& server, const std::string& load_case, const json& row) {
  std::printf("  %-18s %-5s %9.0f messages/CPU s  %8.3f ms CPU  %7.0f messages/s%s\n",
              server.c_str(), load_case.c_str(), row["messages_per_cpu_s"].get<double>(),
              1e3 / row["messages_per_cpu_s"].get<double>(),
              row["messages"].get<double>() / row["seconds"].get<double>(),
              row["complete"].get<bool>() ? "" : "  NOT ALL DELIVERED SIGNED");
}

/// The relay and every peer on one size; adds to `result`.
void compare(const PeerComparison& comparison, const PeerComparison::Case& load_case,
             PeerResult& result) {
  json rows = json::object();
  double best = 0;
  double postfix = 0;
  for (const std::string peer : kPeers) {
    if (peer != kPostfix && load_case.name != kSizeOfAllPeers) continue;
    const json row = measure_peer(comparison, peer, load_case);
    if (row.is_null()) continue;
    print(peer, load_case.name, row);
    rows[peer] = row;
    if (!row["complete"].get<bool>()) continue;
    const double rate = row["messages_per_cpu_s"].get<double>();
    best = std::max(best, rate);
    if (peer == kPostfix) postfix = rate;
  }
  if (rows.empty()) return;
  rows["relay"] = measure_relay(comparison, load_case);
  print("relay", load_case.name, rows["relay"]);
  const double relay = rows["relay"]["messages_per_cpu_s"].get<double>();
  const bool is_complete = rows["relay"]["complete"].get<bool>();
  if (is_complete && postfix > 0)
    result.figures["relay_vs_postfix_" + load_case.name] = relay / postfix;
  if (is_complete && best > 0 && load_case.name == kSizeOfAllPeers)
    result.figures["relay_vs_best_peer_4k"] = relay / best;
  result.raw[load_case.name] = std::move(rows);
}

}  // namespace

PeerResult compare_with_peers(const PeerComparison& comparison) {
  std::filesystem::create_directory(comparison.folder);
  PeerResult result;
  for (const auto& load_case : comparison.cases) compare(comparison, load_case, result);
  return result;
}

}  // namespace signet::bench
