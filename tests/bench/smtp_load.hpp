// Load for benches, from outside the relay: a generator that sends over N connections and a sink
// that takes all.
//
// Both are single epoll loops meant to cost little; their CPU is never counted as the relay's.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace signet::bench {

struct LoadPlan {
  std::uint16_t port = 0;
  std::size_t connections = 1;
  std::size_t messages = 1000;
  std::string message;  ///< Header and body, CRLF, dot-stuffed where needed, without the final dot.
  double per_second = 0;  ///< 0: as fast as it goes.
  std::string sender = "app@bench.example";
};

struct LoadResult {
  std::size_t accepted = 0;
  std::size_t refused = 0;
  double seconds = 0;
  std::vector<double> latencies_ms;  ///< End of data to 250, sorted.
  /// When each 250 came, by the message's X-Sent field (both steady ns).
  std::unordered_map<std::int64_t, std::int64_t> answered;
};

/// Sends plan.messages in all; ends when each has its answer (or 120 s are over).
[[nodiscard]] LoadResult send_load(const LoadPlan& plan);

/// The p-th percentile (0..1) of sorted values; 0 for none.
[[nodiscard]] double percentile(const std::vector<double>& sorted, double p);

/// A sink in a process of its own: counts whole messages in shared memory.
class Sink {
 public:
  Sink();
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::uint64_t received() const;
  /// How many of them carried a DKIM-Signature by an RSA key of 2,048 bits or more.
  [[nodiscard]] std::uint64_t received_signed() const;
  /// Waits until `count` messages have come, at most `patience`. True if they did.
  [[nodiscard]] bool wait_for(std::uint64_t count, std::chrono::seconds patience) const;
  /// Milliseconds from each message's 250 to the sink's final dot; sorted. Negative: the message
  /// was there before its client had read the 250.
  [[nodiscard]] std::vector<double> after_answer_ms(const LoadResult& load) const;

 private:
  struct Shared;
  Shared* shared_ = nullptr;
  std::uint16_t port_ = 0;
  int pid_ = -1;
};

}  // namespace signet::bench
