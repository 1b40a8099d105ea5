// FrontDoor: answers what accept's sessions ask, from settings, store, spool and limits.
#pragma once

#include <atomic>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "relay/accept/scram.hpp"
#include "relay/accept/session.hpp"
#include "relay/authorise/guesses.hpp"
#include "relay/pipeline.hpp"
#include "relay/rejections.hpp"

namespace signet {

class FrontDoor final : public accept::Door {
 public:
  /// Never more than `most_connections`, whatever the settings say.
  FrontDoor(Services& services, std::uint32_t most_connections)
      : services_(services),
        most_connections_(most_connections),
        guesses_(services.clock),
        rejections_(services.log, services.clock) {}
  /// Pipelines are found by the session's loop. Before the first connection.
  void add(Pipeline& pipeline) { pipelines_.push_back(&pipeline); }
  void drain() { draining_ = true; }
  /// For maintenance, until it is taken back.
  void set_draining(bool drains) { maintenance_ = drains; }
  [[nodiscard]] std::uint32_t connections() const { return connections_.load(); }

  [[nodiscard]] std::shared_ptr<const config::Settings> settings() override {
    return services_.current.get()->settings;
  }
  [[nodiscard]] std::shared_ptr<const net::ServerTls> tls() override {
    return services_.current.get()->server_tls;
  }
  [[nodiscard]] net::Task<Result<void>> authenticate(net::Loop& loop,
                                                     const accept::SessionFacts& facts,
                                                     std::string user,
                                                     std::string password) override;
  [[nodiscard]] Result<config::ScramKeys> scram_keys(const accept::SessionFacts& facts,
                                                     const std::string& user) override;
  [[nodiscard]] net::Task<Result<void>> conclude(net::Loop& loop, const accept::SessionFacts& facts,
                                                 std::string user, bool proven) override;
  [[nodiscard]] net::Task<Result<ReversePath>> mail(const accept::SessionFacts& facts,
                                                    ReversePath sender) override;
  [[nodiscard]] Result<void> rcpt(const accept::SessionFacts& facts,
                                  const Recipient& recipient) override;
  [[nodiscard]] Result<std::unique_ptr<accept::Intake>> open(net::Loop& loop,
                                                             const accept::SessionFacts& facts,
                                                             Envelope envelope) override;
  [[nodiscard]] Result<void> enter(const accept::SessionFacts& facts,
                                   const config::ListenerSettings& listener) override;
  [[nodiscard]] Result<void> arrive(const accept::SessionFacts& facts) override;
  void leave(const accept::SessionFacts& facts) override;
  [[nodiscard]] bool is_draining() const override { return draining_ || maintenance_; }

 private:
  /// What a connection counts for, to be undone when it leaves.
  struct Inside {
    bool arrived = false;
    std::shared_ptr<const config::Settings> settings = {};
    const config::ClientSettings* client = nullptr;  // Of `settings`; null: no client with a limit.
  };

  /// mail(), but for the note of it. `sender` becomes what [rewrite] makes of it.
  [[nodiscard]] net::Task<Result<void>> judge_sender(const accept::SessionFacts& facts,
                                                     ReversePath& sender);
  /// What an attempt costs, and that it may be made. Fault: auth_unavailable.
  [[nodiscard]] Result<void> take_guess(const accept::SessionFacts& facts, const std::string& user);
  [[nodiscard]] net::Task<Result<void>> refuse_guess(net::Loop& loop,
                                                     const accept::SessionFacts& facts,
                                                     std::string user);
  /// Counts it, and says why.
  [[nodiscard]] Result<void> refuse_connection(const accept::SessionFacts& facts,
                                               std::string_view limit);
  /// Counts the connection against the client it is by now. Fault: too_many_connections.
  Result<void> count_connection(const accept::SessionFacts& facts,
                                const config::ClientSettings& client);
  /// The generation a session began with.
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot_of(
      const accept::SessionFacts& facts) const;
  [[nodiscard]] net::Loop& this_loop() const;

  Services& services_;
  std::uint32_t most_connections_;
  std::vector<Pipeline*> pipelines_;
  std::atomic<bool> draining_{false};
  std::atomic<bool> maintenance_{false};
  std::atomic<std::uint32_t> connections_{0};
  std::mutex mutex_;
  std::unordered_map<std::string, std::uint32_t> by_address_;  // Only addresses with a connection.
  std::unordered_map<std::string, std::uint32_t> by_listener_;
  std::unordered_map<const accept::SessionFacts*, Inside> inside_;  // The facts say who it is.
  authorise::Guesses guesses_;
  accept::UnknownUsers unknown_users_;
  Rejections rejections_;
};

}  // namespace signet
