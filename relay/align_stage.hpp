// AlignStage: the stage `align` of one loop: asks the predictor about a message, tells metrics and
// log what it found, and says what to do.
//
// Own reports never come here. Mail that only goes to a Maildir asks nothing.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "relay/align/predictor.hpp"
#include "relay/align/ways_out.hpp"
#include "relay/services.hpp"
#include "relay/sign/plan.hpp"
#include "relay/sign/verifier.hpp"

namespace signet {

/// What becomes of a message after the stage.
struct Alignment {
  align::Action action = align::Action::send;
  align::Verdict verdict;
};

/// What the stage works with; all of it outlives the stage.
struct AlignParts {
  const Clock& clock;
  monitoring::Metrics& metrics;
  net::Resolver& resolver;
  const align::PublicSuffixes& suffixes;
};

/// The first word of a hold's reason, which brings held mail back here.
constexpr std::string_view kAlignmentHold = "alignment";

class AlignStage {
 public:
  AlignStage(AlignParts parts, net::Loop& loop);

  /// The ways out of a message; `leads_outside` is false where alignment is off.
  [[nodiscard]] static align::WaysOut ways_out(const config::Settings& settings,
                                               const config::ClientSettings* client,
                                               const Envelope& envelope);
  /// The same whether alignment is off or on.
  [[nodiscard]] static align::WaysOut all_ways_out(const config::Settings& settings,
                                                   const config::ClientSettings* client,
                                                   const Envelope& envelope);
  [[nodiscard]] static align::WaysOut ways_out(std::shared_ptr<const config::Settings> settings,
                                               const spool::Message& message);

  /// The signatures of foreign mail, checked against live DNS.
  [[nodiscard]] net::Task<std::vector<align::ForeignSignature>> check_foreign(
      std::shared_ptr<sign::MessageVerifier> verifier, SteadyTime deadline);
  /// What the DNS says of a message, and what follows from it: the two halves of judge().
  [[nodiscard]] net::Task<align::Evidence> examine(std::shared_ptr<const align::Question> question,
                                                   SteadyTime deadline);
  [[nodiscard]] static Alignment conclude(const align::Evidence& evidence, AlignmentPolicy policy);
  [[nodiscard]] net::Task<Alignment> judge(std::shared_ptr<const align::Question> question,
                                           AlignmentPolicy policy, SteadyTime deadline);
  [[nodiscard]] SteadyTime deadline(const config::Settings& settings) const {
    return parts_.clock.steady() + settings.alignment.deadline;
  }
  /// Why a message is refused. Fault: not_aligned.
  [[nodiscard]] static Error refusal(const Alignment& alignment);
  [[nodiscard]] static std::string hold_reason(const Alignment& alignment) {
    return std::string(kAlignmentHold) + ": " + alignment.verdict.words;
  }

  /// What SPF says of mail from `sender` through an egress address, if that is known.
  [[nodiscard]] std::optional<align::SpfOutcome> known_spf(
      const ReversePath& sender, const config::EgressAddress& egress) const {
    return predictor_.known_spf(sender, {egress.public_address, egress.helo});
  }
  /// Ends every question; before the loop ends.
  void clear() { predictor_.clear(); }

 private:
  align::Predictor::Options predictor_options();
  void tell(const align::Question& question, const Alignment& alignment, SteadyTime began);

  AlignParts parts_;
  align::Predictor predictor_;
};

/// The policy that counts: the domain's, else the client's, else the default.
[[nodiscard]] AlignmentPolicy alignment_policy(const config::Settings& settings,
                                               const config::ClientSettings* client,
                                               const keys::SigningDomain* domain);

}  // namespace signet
