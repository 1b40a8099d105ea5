// The questions that libunbound is working on, each with its own deadline, and the probe that
// decides whether answers are validated.
//
// For resolver.cpp only. Everything but validates() happens on the thread of the base.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "relay/net/loop.hpp"
#include "relay/net/resolver.hpp"
#include "relay/net/unbound_context.hpp"

namespace signet::net {

class DnsQuestions {
 public:
  using Done = std::move_only_function<void(Result<DnsAnswer>)>;

  DnsQuestions(event_base* base, ResolverSettings settings)
      : base_(base), settings_(std::move(settings)) {}
  ~DnsQuestions();  ///< What is not answered is dropped.
  DnsQuestions(const DnsQuestions&) = delete;
  DnsQuestions& operator=(const DnsQuestions&) = delete;

  /// Sets up libunbound and, with a trust anchor, starts the probe. Fault: configuration.
  [[nodiscard]] Result<void> start();
  /// `name` as zone files write it. Calls `done` once, perhaps before it returns.
  void ask(std::string name, RecordType type, Done done);
  [[nodiscard]] bool validates() const { return validates_.load(std::memory_order_relaxed); }

 private:
  struct Question {
    DnsQuestions& owner;
    std::string name;
    RecordType type;
    Done done;  // Empty once answered; libunbound may hold the question longer.
    internal::UniqueEvent deadline = {};
    ub_ctx* sent_to = nullptr;  // Null: not sent.
  };
  /// What libunbound's callback says; `packet` lives until the callback returns.
  struct Reply {
    int rcode;
    std::string_view packet;
    int security;  // 0 insecure, 1 bogus, 2 secure.
    const char* why_bogus;
  };
  enum class Probe { none, running, undecided, passed, failed };

  [[nodiscard]] static Result<DnsAnswer> to_answer(const Reply& reply, RecordType type);
  static void on_reply(void* question, int rcode, void* packet, int length, int security,
                       char* why_bogus, int ratelimited);
  Question& add(std::string name, RecordType type, std::chrono::milliseconds limit, Done done);
  /// libunbound's error, 0 for none. The question may be answered, and gone, when it returns.
  [[nodiscard]] int send(Question& question, ub_ctx* to);
  void send_or_fail(Question& question);
  void on_deadline(Question& question);
  void later(std::chrono::milliseconds delay);
  void on_later();
  [[nodiscard]] int probe();
  void judge(const Result<DnsAnswer>& answer);
  void announce(bool validates);
  void stop_validating();
  void adopt(UniqueUnboundContext context);
  /// Ends a context; its questions are as if they had never been sent.
  void end(UniqueUnboundContext context);
  void send_waiting();

  event_base* base_;
  ResolverSettings settings_;
  UniqueUnboundContext context_;
  UniqueUnboundContext candidate_;  // Validates, and is asked nothing but the probe.
  std::unordered_map<Question*, std::unique_ptr<Question>> questions_;
  std::string anchor_;  // Where the probe asks.
  Probe probe_ = Probe::none;
  bool unvalidated_ = false;  // context_ does not validate although there is an anchor.
  bool holding_ = false;      // Questions wait for the first probe.
  std::string reason_;        // Why the probe failed.
  internal::UniqueEvent later_;
  std::atomic<bool> validates_{false};
};

}  // namespace signet::net
