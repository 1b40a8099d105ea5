// Which keys may sign a message and which will: the decisions of the stage `plan`, shared by the
// pipeline, the review of held mail and `signet explain`, so that they can't differ.
#pragma once

#include <memory>
#include <optional>

#include "config/settings.hpp"
#include "keys/domain_store.hpp"
#include "relay/align/predictor.hpp"
#include "relay/authorise/authoriser.hpp"
#include "relay/sign/plan.hpp"
#include "relay/spool/spool.hpp"

namespace signet {

/// Keys that may sign a message.
struct Keys {
  std::shared_ptr<const keys::SigningDomain> author;    ///< Null: the domain has none.
  std::shared_ptr<const keys::SigningDomain> platform;  ///< Null: none configured.
};

/// The keys of an author domain, or of its parent in [signing.parents], and those of the platform.
/// `author`: nothing where it can't be the client's, whose keys are then nobody's business. Faults:
/// key_unavailable, no_active_key.
[[nodiscard]] net::Task<Result<Keys>> find_keys(keys::DomainStore& store, net::Loop& loop,
                                                std::shared_ptr<const config::Settings> settings,
                                                std::optional<Domain> author);

/// True if mail from `domain` would be signed, or if that can't be said now.
[[nodiscard]] net::Task<bool> is_in_store(keys::DomainStore& store, net::Loop& loop,
                                          std::shared_ptr<const config::Settings> settings,
                                          Domain domain);

struct PlanInputs {
  const config::Settings& settings;
  const config::ClientSettings* client = nullptr;  ///< Null: a report of ours.
  const Domain& author;
  const Keys& keys;
  authorise::Authorship authorship = authorise::Authorship::own;
  unsigned lot = keys::kNoLot;  ///< Of the message: for canaries.
  bool will_be_judged = false;  ///< By the stage `align`, which may let unsigned mail pass.
};
/// Fault: domain_without_key.
[[nodiscard]] Result<sign::Plan> plan_signatures(const PlanInputs& inputs);

/// A stored message as the stage `align` would be asked about it now.
struct StoredQuestion {
  std::shared_ptr<align::Question> question;  ///< Null: nothing leads outside. Its own signatures
                                              ///< only: those it brought are not in it.
  std::shared_ptr<const keys::SigningDomain> author_keys;  ///< Null: none of them signed.
};
/// Keys that signed and are active still.
[[nodiscard]] net::Task<StoredQuestion> question_about(
    keys::DomainStore& store, net::Loop& loop, std::shared_ptr<const config::Settings> settings,
    std::shared_ptr<const spool::Message> message);

/// Null: no client has that name.
[[nodiscard]] const config::ClientSettings* client_named(const config::Settings& settings,
                                                         const std::string& name);

}  // namespace signet
