// Pipeline: the life of one message, in order. One per loop; pipeline.cpp is the file to read
// first.
//
// On the way in a message is a Reception (accept's Intake); on the way out a Delivery. Stages are
// functions from named inputs to a result of their own; nothing else knows their order.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "relay/accept/session.hpp"
#include "relay/align_stage.hpp"
#include "relay/body_collector.hpp"
#include "relay/outbound.hpp"
#include "relay/parse/parsed.hpp"
#include "relay/planning.hpp"
#include "relay/report/dsn.hpp"
#include "relay/services.hpp"
#include "relay/sign/signer.hpp"

namespace signet {

/// Who sends what from where: settled before the data.
struct Arrival {
  std::shared_ptr<const Snapshot> snapshot;
  const config::ClientSettings* client = nullptr;  ///< Of `snapshot`; null for our own reports.
  accept::SessionFacts facts;
  Envelope envelope;
  QueueId id;
  WallTime received;
};

/// A header block understood: whose it is, and the octets that will be signed.
struct Parsed {
  parse::MessageHeader header;
  Domain author;
  bool tls_optional = false;                  ///< Own mail that says so (RFC 8689 3).
  std::optional<Domain> written_author = {};  ///< What [rewrite] made `author` of.
};

class Pipeline {
 public:
  Pipeline(Services& services, net::Loop& loop, std::unique_ptr<sign::Signer> signer);

  /// A message's way in, from DATA to 250.
  [[nodiscard]] std::unique_ptr<accept::Intake> receive(Arrival arrival);
  /// Signs, stores and schedules a report of ours (never held, no alignment policy).
  [[nodiscard]] net::Task<Result<QueueId>> submit(report::DsnMessage message, Mailbox from,
                                                  Mailbox to,
                                                  std::shared_ptr<const Snapshot> snapshot);

  [[nodiscard]] Outbound& outbound() { return outbound_; }
  [[nodiscard]] const Outbound& outbound() const { return outbound_; }
  [[nodiscard]] net::Loop& loop() { return loop_; }
  [[nodiscard]] sign::Signer& signer() { return *signer_; }
  [[nodiscard]] AlignStage& aligning() { return aligning_; }

 private:
  friend class Reception;
  // Stages of the way in.
  [[nodiscard]] Result<Parsed> parse(const Arrival& arrival, std::string block);
  [[nodiscard]] net::Task<Result<Keys>> find_keys(std::shared_ptr<const Snapshot> snapshot,
                                                  std::optional<Domain> author);
  [[nodiscard]] Result<authorise::Authorship> authorise(const Arrival& arrival,
                                                        const Parsed& parsed, const Keys& keys);
  [[nodiscard]] Result<void> complete(const Arrival& arrival, Parsed& parsed,
                                      authorise::Authorship authorship);
  [[nodiscard]] Result<sign::Plan> plan(const Arrival& arrival, const Parsed& parsed,
                                        const Keys& keys, authorise::Authorship authorship,
                                        bool will_be_judged);
  /// `signatures`: of foreign mail. Fault: not_aligned.
  [[nodiscard]] net::Task<Result<Alignment>> align(
      std::shared_ptr<const align::Question> question, const Arrival& arrival,
      std::shared_ptr<const keys::SigningDomain> domain, SteadyTime deadline);
  static void tag(Parsed& parsed, const Alignment& alignment);
  void count_signatures(const sign::Plan& plan);
  void remember(const Arrival& arrival, const Parsed& parsed);
  [[nodiscard]] net::Task<Result<QueueId>> store(const Arrival& arrival, Parsed parsed,
                                                 sign::Signed signatures, BodyCollector& body,
                                                 bool has_eight_bit, spool::Origin origin,
                                                 std::string hold_reason = {});

  Services& services_;
  net::Loop& loop_;
  std::unique_ptr<sign::Signer> signer_;
  AlignStage aligning_;
  Outbound outbound_;
};

}  // namespace signet
