// A Door that knows one client and keeps what it is given: the world behind a session under test.
//
// It refuses senders and recipients by their names, and messages by fields of their header:
// X-Refuse: header | body | end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "relay/accept/session.hpp"

namespace signet::accept::test {

struct Received {
  SessionFacts facts;
  Envelope envelope;
  std::string header;
  std::string body;
  std::size_t largest_slice = 0;
  bool eight_bit = false;
};

class FakeDoor final : public Door {
 public:
  FakeDoor();

  [[nodiscard]] std::shared_ptr<const config::Settings> settings() override {
    return std::make_shared<config::Settings>(configured);
  }
  [[nodiscard]] std::shared_ptr<const net::ServerTls> tls() override { return certificate; }
  [[nodiscard]] net::Task<Result<void>> authenticate(net::Loop& loop, const SessionFacts& facts,
                                                     std::string user,
                                                     std::string password) override;
  [[nodiscard]] net::Task<Result<ReversePath>> mail(const SessionFacts& facts,
                                                    ReversePath sender) override;
  [[nodiscard]] Result<void> rcpt(const SessionFacts& facts, const Recipient& recipient) override;
  [[nodiscard]] Result<std::unique_ptr<Intake>> open(net::Loop& loop, const SessionFacts& facts,
                                                     Envelope envelope) override;
  [[nodiscard]] Result<config::ScramKeys> scram_keys(const SessionFacts& facts,
                                                     const std::string& user) override;
  [[nodiscard]] net::Task<Result<void>> conclude(net::Loop& loop, const SessionFacts& facts,
                                                 std::string user, bool proven) override;
  [[nodiscard]] Result<void> enter(const SessionFacts& facts,
                                   const config::ListenerSettings& listener) override;
  [[nodiscard]] Result<void> arrive(const SessionFacts& facts) override;
  void leave(const SessionFacts& facts) override;
  [[nodiscard]] bool is_draining() const override { return draining; }

  config::Settings configured;
  std::shared_ptr<const net::ServerTls> certificate;
  smtp::DataDecoder::Options framing;
  bool full = false;
  bool draining = false;
  int inside = 0;
  int entered = 0;
  int abandoned = 0;
  std::vector<Endpoint> arrived;   ///< Of connections, once known.
  std::vector<Received> messages;  ///< Those answered 250.
};

}  // namespace signet::accept::test
