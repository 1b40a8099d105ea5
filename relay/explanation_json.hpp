// The members of an explanation: from the stages' results to JSON. The one place that names them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "relay/align_stage.hpp"
#include "relay/authorise/authoriser.hpp"
#include "relay/route/router.hpp"
#include "relay/sign/plan.hpp"

namespace signet::explain {

[[nodiscard]] std::string how_matched(const authorise::ClientMatch& match,
                                      const authorise::Peer& peer);
[[nodiscard]] nlohmann::json client_json(const config::ClientSettings& client,
                                         const std::string& why);
/// An address, and what [rewrite] made of it where that is another.
[[nodiscard]] nlohmann::json rewritten_json(const std::string& written, const std::string& now);

/// Each key that will sign, and why.
[[nodiscard]] nlohmann::json signatures_json(const sign::Plan& plan, const Domain& author,
                                             const config::Settings& settings);
/// Those made at receipt: "selector._domainkey.domain".
[[nodiscard]] nlohmann::json made_signatures_json(const std::vector<std::string>& signed_by);

[[nodiscard]] nlohmann::json alignment_json(const align::Question& question,
                                            const align::Evidence& evidence,
                                            const Alignment& alignment);
/// Why nobody asks.
[[nodiscard]] nlohmann::json unjudged_json(const config::Settings& settings);
/// The operator's policy, and which setting says so.
[[nodiscard]] nlohmann::json policy_json(const config::Settings& settings,
                                         const config::ClientSettings* client,
                                         const keys::SigningDomain* domain, AlignmentPolicy policy);

/// Route, pool, TLS policy and limits of one recipient.
void add_route(const config::Settings& settings, const route::RouteMatch& match,
               const config::ClientSettings* client, const std::string& pool, nlohmann::json& told);
void add_targets(const Result<std::vector<route::Target>>& targets, nlohmann::json& told);

[[nodiscard]] nlohmann::json limits_json(const config::Settings& settings,
                                         const config::ClientSettings* client);

[[nodiscard]] nlohmann::json refusal_json(const Error& error);
/// What the alignment in `told` makes of an accepted message.
[[nodiscard]] nlohmann::json accepted_json(const nlohmann::json& told);

}  // namespace signet::explain
