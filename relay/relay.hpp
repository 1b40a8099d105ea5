// Relay: every part of the running program, made in order and ended in the opposite order.
//
// The control loop (the caller's thread) owns listeners, signals and the queue scanner; workers own
// connections, one loop per core. Nothing global: two relays in one process are two relays.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "relay/audit_driver.hpp"
#include "relay/front_door.hpp"
#include "relay/net/listener.hpp"
#include "relay/observation.hpp"
#include "relay/operator_actions.hpp"
#include "relay/queue_operations.hpp"
#include "relay/queue_scanner.hpp"
#include "relay/rehearsal.hpp"
#include "relay/rotation_driver.hpp"
#include "relay/running_explanations.hpp"

namespace signet {

class Relay {
 public:
  struct Options {
    std::shared_ptr<const config::Settings> settings;
    std::filesystem::path config_file;  ///< For SIGHUP; empty: no reload.
    bool accept_spool_loss = false;
    std::function<void(const std::string& line)>
        announce;  ///< One JSON line per listener, then "ready".
  };

  /// Opens everything and binds every listener; serves nothing yet. Fault: configuration, spool_*.
  [[nodiscard]] static Result<std::unique_ptr<Relay>> open(Options options);
  ~Relay();

  /// Serves until SIGTERM, SIGINT or stop(); drains; returns the exit status.
  int run();
  /// From any thread.
  void stop();

  [[nodiscard]] net::Loop& control() { return control_; }
  [[nodiscard]] std::vector<Endpoint> smtp_endpoints() const;
  [[nodiscard]] Services& services() { return *services_; }

 private:
  explicit Relay(Options options) : options_(std::move(options)) {}

  struct Worker {
    std::unique_ptr<net::LoopThread> thread;
    std::unique_ptr<Pipeline> pipeline;
    std::unique_ptr<net::TaskScope> sessions;
    net::Worker slot;
  };

  [[nodiscard]] Result<void> open_stores();
  [[nodiscard]] Result<void> open_workers();
  [[nodiscard]] Result<void> open_listeners();
  [[nodiscard]] Result<void> open_observation();
  net::Task<void> session(net::Stream stream, config::ListenerSettings listener, net::Worker slot);
  net::Task<void> start_queue();
  net::Task<void> watch_clock();
  net::Task<void> watch_key_memory();
  net::Task<void> drain();
  void close();

  // reload.cpp
  net::Task<void> reload();
  [[nodiscard]] net::Task<Result<void>> reload_once();
  [[nodiscard]] net::Task<Result<Snapshot>> next_snapshot();
  /// Reloads, and tells how it went. Any thread.
  void reload_for(OperatorActions::Reloaded done);
  void allow_labels(const config::Settings& settings);
  void forget_labels(const config::Settings& before, const config::Settings& now);
  void tell_certificates(const Snapshot& snapshot);

  Options options_;
  SystemClock clock_;
  monitoring::Metrics metrics_;
  net::Loop control_;
  std::unique_ptr<net::BlockingPool> pool_;
  std::unique_ptr<net::BlockingPool> passwords_;
  std::unique_ptr<CurrentSnapshot> current_;
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<keys::DomainStore> domains_;
  std::unique_ptr<spool::Spool> spool_;
  std::unique_ptr<report::Webhook> webhook_;  ///< Outlives the log, which writes to it.
  std::unique_ptr<report::DeliveryLog> log_;
  std::unique_ptr<route::Router> router_;
  std::unique_ptr<authorise::Quotas> quotas_;
  schedule::Leases leases_;
  std::unique_ptr<schedule::Backoff> backoff_;
  std::unique_ptr<QueueIdSource> ids_;
  MemoryBudget memory_;
  InMemory in_memory_;
  HeldMail held_mail_{metrics_};
  align::PublicSuffixes suffixes_;
  ClockWatch clock_watch_;
  ReloadHistory reloads_;
  keys::CanaryTally canaries_;
  RecentMail recent_mail_;
  std::unique_ptr<Suspensions> suspensions_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<FrontDoor> door_;
  std::vector<Worker> workers_;
  std::unique_ptr<QueueScanner> scanner_;
  std::unique_ptr<QueueOperations> operations_;
  std::unique_ptr<RunningExplanations> explanations_;
  std::unique_ptr<Rehearsal> rehearsal_;
  std::unique_ptr<OperatorActions> actions_;
  std::unique_ptr<RotationDriver> rotation_;  // Null: keys are left alone.
  std::unique_ptr<AuditDriver> audit_;        // Null: not asked for.
  std::unique_ptr<net::InheritedSockets> inherited_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::unique_ptr<Observation> observation_;
  bool draining_ = false;
  bool reloading_ = false;
  bool reload_wanted_ = false;
  std::vector<OperatorActions::Reloaded> reload_askers_;  // Of the next one.
  net::TaskScope tasks_;
};

}  // namespace signet
