// The delivery log for another program: batches of its lines, sent by HTTP POST.
//
//   body = *( LINE LF )                       ndjson: lines as in the file, application/x-ndjson
//        / "[" LINE *( "," LINE ) "]"         json: one array, application/json
//
// A batch counts as taken when the answer is 2yz (RFC 9110 15.3); anything else is tried again with
// growing pauses, in order, so what was taken and answered badly comes twice. Mail never waits for
// the receiver: what finds the buffer full is dropped and counted, and an event `events_lost`
// stands where it is missing. The file of the delivery log has every line.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "relay/base/clock.hpp"
#include "relay/base/result.hpp"
#include "relay/net/http_client.hpp"

namespace signet::report {

/// Where to, and how. Immutable: a reload makes a new one.
struct WebhookTarget {
  enum class Format { ndjson, json };

  net::HttpUrl url;
  std::shared_ptr<const net::ClientTls> tls;  ///< As HttpPost wants it.
  std::string authorization;                  ///< The field's value; empty: none.
  Format format = Format::ndjson;
  std::size_t batch_events = 500;              ///< A batch is sent when it has so many,
  std::chrono::milliseconds batch_time{1000};  ///< or its first event is so old.
  std::chrono::milliseconds timeout{10000};    ///< Of one request.
  std::uint64_t buffer_bytes = std::uint64_t{64} << 20U;
};

class Webhook {
 public:
  struct Options {
    std::filesystem::path waiting_file;           ///< What waits at the end, for the next start.
    std::chrono::milliseconds farewell{5000};     ///< For what waits at the end.
    std::chrono::milliseconds first_pause{1000};  ///< After a failure; doubled up to
    std::chrono::milliseconds longest_pause{60000};
  };
  struct Stats {
    std::uint64_t sent = 0;  ///< Events taken.
    std::uint64_t dropped = 0;
    std::uint64_t failures = 0;  ///< Requests without a 2yz.
    std::uint64_t waiting = 0;   ///< Events.
    std::uint64_t waiting_bytes = 0;
    std::chrono::seconds oldest{0};  ///< Age of the first of them.
  };

  Webhook(Options options, const Clock& clock);
  /// Sends what waits, as long as the receiver takes it and the farewell lasts; keeps the rest.
  ~Webhook();
  Webhook(const Webhook&) = delete;
  Webhook& operator=(const Webhook&) = delete;

  /// From now on to `target`; null: nowhere, and what waits stays. Any thread.
  void aim(std::shared_ptr<const WebhookTarget> target);
  /// One line of the log with its LF. Any thread; never blocks.
  void add(std::string_view line);
  [[nodiscard]] Stats stats() const;  ///< Any thread.

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace signet::report
