// Which keys sign a message: a pure decision, made when the header is complete.
#pragma once

#include <chrono>
#include <map>
#include <memory>

#include "relay/base/domain.hpp"
#include "relay/base/queue_id.hpp"
#include "relay/sign/signer.hpp"

namespace signet::sign {

struct PlanRequest {
  std::shared_ptr<const keys::SigningDomain> author_domain = {};    ///< Null: it has no key.
  std::shared_ptr<const keys::SigningDomain> platform_domain = {};  ///< Null: none is configured.
  unsigned lot = keys::kNoLot;          ///< Of the message, 0 to 99, for canaries.
  bool own = true;                      ///< False: mail whose From is not the client's.
  bool platform_signs_foreign = false;  ///< `foreign_from = relay_and_sign_platform`
  keys::Profile default_profile = keys::Profile::standard;
  std::chrono::seconds life{0};  ///< x= minus t=.
};

/// Own mail: a key of each algorithm of the author's domain (RSA first, as the store orders them),
/// then those of the platform's domain if that is another. Foreign mail: the platform's alone, if
/// asked.
[[nodiscard]] Plan make_plan(const PlanRequest& request);

/// 0 to 99, evenly spread: by it a canary takes its share of the mail.
[[nodiscard]] unsigned lot_of(QueueId id);

/// The domain that signs for `author` when it has no key of its own: the parent configured for
/// exactly that name, else the author itself. Never a pattern, never a guess from the labels.
[[nodiscard]] Domain signing_domain_for(const std::map<Domain, Domain>& parents,
                                        const Domain& author);

}  // namespace signet::sign
