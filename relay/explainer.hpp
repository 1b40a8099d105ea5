// Explainer: what becomes of a message and why, by the same functions as the pipeline asks.
//
// Reads keys and DNS, changes nothing, counts nothing. One loop; offline it needs no spool and no
// running relay.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "relay/admin/explanations.hpp"
#include "relay/align_stage.hpp"
#include "relay/outlook.hpp"
#include "relay/planning.hpp"

namespace signet {

class Explainer {
 public:
  /// All of it outlives the explainer.
  struct Parts {
    const Clock& clock;
    net::Loop& loop;
    keys::DomainStore& domains;
    net::Resolver& resolver;
    const align::PublicSuffixes& suffixes;
    route::Router& router;
  };
  explicit Explainer(Parts parts)
      : parts_(parts),
        aligning_({parts.clock, metrics_, parts.resolver, parts.suffixes}, parts.loop) {}

  /// Fault: bad_parameter (the public text names what is wrong).
  [[nodiscard]] net::Task<Result<nlohmann::json>> explain(
      std::shared_ptr<const config::Settings> settings, admin::Hypothesis asked);
  /// A message of the spool as things stand now.
  [[nodiscard]] net::Task<nlohmann::json> explain(std::shared_ptr<const config::Settings> settings,
                                                  std::shared_ptr<const spool::Message> message);
  /// What becomes of mail of that kind, by settings and DNS, without its hosts being looked up.
  /// What the DNS does not say until `deadline` is unknown. Judged as if it brought no signatures,
  /// with the sender postmaster of its domain; `always`: where alignment is off, too, which then
  /// has a verdict and no other consequence.
  enum class Judged { where_set, always };
  [[nodiscard]] net::Task<Outlook> outlook(std::shared_ptr<const config::Settings> settings,
                                           MailKind kind, SteadyTime deadline, Judged judged);
  /// Ends every question; before the loop ends.
  void clear() { aligning_.clear(); }

 private:
  /// Who would send what, understood.
  struct Situation {
    std::shared_ptr<const config::Settings> settings;
    const config::ClientSettings* client = nullptr;
    Mailbox author;
    Envelope envelope;
    SteadyTime deadline;  // Of the questions to the DNS.
    Judged judged = Judged::where_set;
  };

  [[nodiscard]] Result<Situation> understand(std::shared_ptr<const config::Settings> settings,
                                             const admin::Hypothesis& asked,
                                             nlohmann::json& told) const;
  /// The way in, stage by stage, until one says no.
  net::Task<Result<void>> come_in(Situation& situation, nlohmann::json& told);
  net::Task<Result<void>> judge(std::shared_ptr<const config::Settings> settings,
                                std::shared_ptr<align::Question> question,
                                const config::ClientSettings* client,
                                std::shared_ptr<const keys::SigningDomain> author_keys,
                                SteadyTime deadline, nlohmann::json& told);
  /// What the settings say of the way out. No "route": there is none.
  [[nodiscard]] static nlohmann::json static_way(const config::Settings& settings,
                                                 const route::RouteMatch& match,
                                                 const config::ClientSettings* client,
                                                 const Mailbox& recipient,
                                                 const std::optional<std::string>& pool);
  net::Task<nlohmann::json> way_out(std::shared_ptr<const config::Settings> settings,
                                    const config::ClientSettings* client, Mailbox recipient,
                                    std::optional<std::string> pool, std::string diversion);

  Parts parts_;
  monitoring::Metrics metrics_;  // What is explained is not counted as mail.
  AlignStage aligning_;
};

}  // namespace signet
