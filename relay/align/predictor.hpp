// Predictor: gathers the evidence on a message, from caches of derived verdicts or the DNS.
//
// One per loop. SPF is cached for each (domain, address), the walk of each domain once, the records
// of each selector once; a message whose verdicts are cached asks nothing and waits for nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "keys/signing_domain.hpp"
#include "relay/align/derived_cache.hpp"
#include "relay/align/texts.hpp"
#include "relay/align/verdict.hpp"
#include "relay/base/envelope.hpp"

namespace signet::align {

/// An address mail leaves from as receivers see it.
struct EgressPoint {
  IpAddress address;
  std::string helo;
  friend bool operator==(const EgressPoint&, const EgressPoint&) = default;
};

/// A key that signs the message.
struct SigningKeyUse {
  std::shared_ptr<const keys::SigningDomain> domain;
  std::size_t key = 0;  ///< Index into domain->keys.
};

/// A signature that foreign mail brought, as our verifier found it.
struct ForeignSignature {
  std::string domain;
  std::string name;
  SignatureWorth worth = SignatureWorth::useless;
  std::string words = {};
};

struct Question {
  Domain author;
  ReversePath sender;
  std::vector<EgressPoint> points;    ///< Distinct, of all recipients' routes that lead outside.
  bool some_address_unknown = false;  ///< Also when there are more than kMaxPoints.
  std::vector<SigningKeyUse> keys = {};
  bool is_foreign = false;
  std::vector<ForeignSignature> signatures = {};  ///< Only of foreign mail.
};
constexpr std::size_t kMaxPoints = 64;

/// What is known of a domain, as author and as identifier.
struct DomainFacts {
  Walk walk;
  std::optional<std::string> organization;
  std::string organization_by_list;
  AppliedPolicy policy;
  AppliedPolicy policy_by_list;
};

enum class CacheKind { spf, domain, key };
[[nodiscard]] std::string_view name_of(CacheKind kind);

class Predictor {
 public:
  using CheckHost =
      std::function<net::Task<SpfResult>(net::Resolver&, net::Loop&, SpfQuestion, SpfLimits)>;
  struct Options {
    CheckHost check_host;
    std::function<void(CacheKind, CacheEvent)> on_cache = {};
    /// Each SPF result as it is made (not when it comes from the cache).
    std::function<void(const std::string& domain, const IpAddress&, const SpfResult&)> on_spf = {};
    std::size_t capacity = 50000;  ///< Of each cache.
  };
  /// Everything outlives the predictor; `suffixes` is shared by all loops.
  Predictor(net::Resolver& resolver, net::Loop& loop, const Clock& clock,
            const PublicSuffixes& suffixes, Options options);

  /// Evidence complete from the caches; nothing: some question must be asked.
  [[nodiscard]] std::optional<Evidence> cached(const Question& question);
  /// Asks what is not known, all at once, and waits until `deadline` at most.
  [[nodiscard]] net::Task<Evidence> gather(std::shared_ptr<const Question> question,
                                           SteadyTime deadline);
  /// What is known of one address now, without asking: for the choice of an egress address.
  [[nodiscard]] std::optional<SpfOutcome> known_spf(const ReversePath& sender,
                                                    const EgressPoint& point) const;
  /// TXT records at a name, through the cache of selectors; null at the deadline.
  [[nodiscard]] net::Task<std::shared_ptr<const Texts>> key_texts(std::string name,
                                                                  SteadyTime deadline);
  /// Ends every question; before the loop ends.
  void clear();

 private:
  using SpfCache = DerivedCache<SpfResult>;
  using DomainCache = DerivedCache<DomainFacts>;
  using KeyCache = DerivedCache<Texts>;
  /// A judgement of a selector's records, valid as long as both are what they were.
  struct Judged {
    std::shared_ptr<const Texts> texts;
    std::shared_ptr<const keys::SigningDomain> domain;
    KeyProof proof;
  };
  /// Which of the questions could not be answered.
  struct Missing {
    bool any = false;
  };

  /// Of the domain, or of this sender where its record asks for the local part.
  [[nodiscard]] SpfCache::Shared spf(const ReversePath& sender, const EgressPoint& point);
  void start_spf(const ReversePath& sender, const EgressPoint& point);
  net::Task<void> wait_for_spf(const ReversePath& sender, const EgressPoint& point,
                               SteadyTime deadline);
  [[nodiscard]] std::shared_ptr<const DomainFacts> facts(const std::string& domain);
  [[nodiscard]] Evidence collect(const Question& question, Missing& missing);
  void add_spf(const Question& question, const EgressPoint& point, const DomainFacts* author,
               Evidence& evidence, Missing& missing);
  void add_key(const SigningKeyUse& use, const DomainFacts* author, Evidence& evidence,
               Missing& missing);
  void add_alignment(DkimEvidence& dkim, const DomainFacts* author, Missing& missing);
  const KeyProof& proof_of(const SigningKeyUse& use, const std::string& name,
                           const std::shared_ptr<const Texts>& texts);
  void start_all(const Question& question);
  net::Task<void> wait_for_all(std::shared_ptr<const Question> question, SteadyTime deadline);
  void start_facts(const std::string& domain);
  SpfCache::Make make_spf(const ReversePath& sender, const EgressPoint& point);
  DomainCache::Make make_facts(const std::string& domain);
  KeyCache::Make make_key(const std::string& name);
  net::Task<SpfCache::Made> ask_spf(SpfQuestion question);
  net::Task<DomainCache::Made> ask_facts(Domain domain);
  net::Task<KeyCache::Made> ask_key(std::string name);

  net::Resolver& resolver_;
  net::Loop& loop_;
  const Clock& clock_;
  const PublicSuffixes& suffixes_;
  Options options_;
  std::unordered_map<std::string, Judged> judged_;
  SpfCache spf_;
  DomainCache domains_;
  KeyCache keys_;
};

}  // namespace signet::align
