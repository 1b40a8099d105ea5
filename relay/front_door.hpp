// FrontDoor: answers what accept's sessions ask, from settings, store, spool and limits.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "relay/accept/session.hpp"
#include "relay/pipeline.hpp"

namespace signet {

class FrontDoor final : public accept::Door {
 public:
  explicit FrontDoor(Services& services) : services_(services) {}
  /// Pipelines are found by the session's loop. Before the first connection.
  void add(Pipeline& pipeline) { pipelines_.push_back(&pipeline); }
  void drain() { draining_ = true; }
  [[nodiscard]] std::uint32_t connections() const { return connections_.load(); }

  [[nodiscard]] std::shared_ptr<const config::Settings> settings() override {
    return services_.current.get()->settings;
  }
  [[nodiscard]] std::shared_ptr<const net::ServerTls> tls() override {
    return services_.current.get()->server_tls;
  }
  [[nodiscard]] net::Task<Result<void>> authenticate(net::Loop& loop, std::string user,
                                                     std::string password) override;
  [[nodiscard]] net::Task<Result<ReversePath>> mail(const accept::SessionFacts& facts,
                                                    ReversePath sender) override;
  [[nodiscard]] Result<void> rcpt(const accept::SessionFacts& facts,
                                  const Recipient& recipient) override;
  [[nodiscard]] Result<std::unique_ptr<accept::Intake>> open(net::Loop& loop,
                                                             const accept::SessionFacts& facts,
                                                             Envelope envelope) override;
  [[nodiscard]] Result<void> enter(const Endpoint& remote) override;
  void leave(const Endpoint& remote) override;
  [[nodiscard]] bool is_draining() const override { return draining_; }

 private:
  /// Counts the connection against its client, once. Fault: quota_exceeded.
  Result<void> count_connection(const Endpoint& remote, const config::ClientSettings& client);

  Services& services_;
  std::vector<Pipeline*> pipelines_;
  std::atomic<bool> draining_{false};
  std::atomic<std::uint32_t> connections_{0};
  std::mutex mutex_;
  std::unordered_map<std::string, std::uint32_t> by_address_;  // Only addresses with a connection.
  std::map<Endpoint, config::ClientSettings> counted_;  // Connections of clients that have a limit.
};

}  // namespace signet
