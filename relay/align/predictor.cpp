#include "relay/align/predictor.hpp"

#include <algorithm>
#include <array>

namespace signet::align {
namespace {

constexpr std::size_t kMaxJudged = 20000;
constexpr std::chrono::seconds kSpfDeadline{10};

std::string identity_of(const ReversePath& sender, const EgressPoint& point) {
  return sender ? sender->domain.text() : point.helo;
}

/// domain NUL helo NUL address. SPF may depend on the HELO name through macros.
void write_spf_key(std::string& key, const ReversePath& sender, const EgressPoint& point) {
  key.assign(sender ? sender->domain.text() : point.helo).append(1, '\0');
  key.append(sender ? "" : "<>").append(point.helo).append(1, '\0');
  key.append(point.address.bytes());
}

void add_local(std::string& key, const ReversePath& sender) {
  key.append(1, '\0').append(sender ? sender->local : "postmaster");
}

void write_key_name(std::string& name, const SigningKeyUse& use) {
  name.assign(use.domain->keys[use.key].selector)
      .append("._domainkey.")
      .append(use.domain->name.text());
}

Alignment alignment_of(AlignmentMode mode, const DomainFacts& author, const DomainFacts& other) {
  if (author.walk.start() == other.walk.start()) return Alignment::aligned;
  if (mode == AlignmentMode::strict) return Alignment::unaligned;
  if (!author.organization || !other.organization) return Alignment::unknown;
  return *author.organization == *other.organization ? Alignment::aligned : Alignment::unaligned;
}

Alignment by_list(AlignmentMode mode, const DomainFacts& author, const DomainFacts& other) {
  if (author.walk.start() == other.walk.start()) return Alignment::aligned;
  if (mode == AlignmentMode::strict) return Alignment::unaligned;
  return author.organization_by_list == other.organization_by_list ? Alignment::aligned
                                                                   : Alignment::unaligned;
}

VerdictReason reason_of(KeyState state) {
  if (state == KeyState::absent) return VerdictReason::key_not_in_dns;
  if (state == KeyState::differs) return VerdictReason::key_differs;
  return VerdictReason::key_unusable;
}

template <typename Options>
Options cache_options(std::size_t capacity, CacheKind kind,
                      const std::function<void(CacheKind, CacheEvent)>& observer) {
  Options options{.capacity = capacity};
  if (observer) options.observer = [kind, observer](CacheEvent event) { observer(kind, event); };
  return options;
}

}  // namespace

std::string_view name_of(CacheKind kind) {
  constexpr std::array<std::string_view, 3> kNames{"spf", "domain", "key"};
  return kNames[static_cast<std::size_t>(kind)];
}

Predictor::Predictor(net::Resolver& resolver, net::Loop& loop, const Clock& clock,
                     const PublicSuffixes& suffixes, Options options)
    : resolver_(resolver),
      loop_(loop),
      clock_(clock),
      suffixes_(suffixes),
      options_(std::move(options)),
      spf_(loop, clock,
           cache_options<SpfCache::Options>(options_.capacity, CacheKind::spf, options_.on_cache)),
      domains_(loop, clock,
               cache_options<DomainCache::Options>(options_.capacity, CacheKind::domain,
                                                   options_.on_cache)),
      keys_(
          loop, clock,
          cache_options<KeyCache::Options>(options_.capacity, CacheKind::key, options_.on_cache)) {}

void Predictor::clear() {
  spf_.clear();
  domains_.clear();
  keys_.clear();
}

std::optional<Evidence> Predictor::cached(const Question& question) {
  Missing missing;
  Evidence evidence = collect(question, missing);
  if (missing.any) return std::nullopt;
  return evidence;
}

net::Task<Evidence> Predictor::gather(std::shared_ptr<const Question> question,
                                      SteadyTime deadline) {
  Missing missing;
  Evidence evidence;
  // A second round when the first has shown that SPF depends on the sender's local part.
  for (int round = 0; round < 2 && (round == 0 || missing.any); ++round) {
    start_all(*question);
    co_await wait_for_all(question, deadline);
    missing = {};
    evidence = collect(*question, missing);
  }
  evidence.deadline_passed = missing.any && clock_.steady() >= deadline;
  co_return evidence;
}

Evidence Predictor::collect(const Question& question, Missing& missing) {
  Evidence evidence{.author = question.author.text(),
                    .is_foreign = question.is_foreign,
                    .policy = {},
                    .policy_by_list = {},
                    .spf = {},
                    .some_address_unknown = question.some_address_unknown,
                    .dkim = {}};
  const auto author = facts(question.author.text());
  if (author) {
    evidence.policy = author->policy;
    evidence.policy_by_list = author->policy_by_list;
  } else {
    missing.any = true;
  }
  for (const EgressPoint& point : question.points) {
    add_spf(question, point, author.get(), evidence, missing);
  }
  for (const SigningKeyUse& use : question.keys) add_key(use, author.get(), evidence, missing);
  for (const ForeignSignature& signature : question.signatures) {
    evidence.dkim.push_back({.domain = signature.domain,
                             .name = signature.name,
                             .worth = signature.worth,
                             .why_useless = VerdictReason::foreign_invalid,
                             .words = signature.words});
    add_alignment(evidence.dkim.back(), author.get(), missing);
  }
  return evidence;
}

std::shared_ptr<const DomainFacts> Predictor::facts(const std::string& domain) {
  return domains_.find(domain, [&] { return make_facts(domain); });
}

void Predictor::add_spf(const Question& question, const EgressPoint& point,
                        const DomainFacts* author, Evidence& evidence, Missing& missing) {
  const auto result = spf(question.sender, point);
  SpfEvidence& found = evidence.spf.emplace_back(
      SpfEvidence{.address = point.address, .domain = identity_of(question.sender, point)});
  missing.any |= result == nullptr;
  if (result) found.outcome = result->outcome;
  const auto identity = facts(found.domain);
  missing.any |= identity == nullptr;
  if (!identity || author == nullptr) return;
  found.alignment = alignment_of(author->policy.aspf, *author, *identity);
  found.by_list = by_list(author->policy_by_list.aspf, *author, *identity);
}

void Predictor::add_key(const SigningKeyUse& use, const DomainFacts* author, Evidence& evidence,
                        Missing& missing) {
  DkimEvidence& dkim = evidence.dkim.emplace_back();
  dkim.domain = use.domain->name.text();
  write_key_name(dkim.name, use);
  const auto texts = keys_.find(dkim.name, [&] { return make_key(dkim.name); });
  missing.any |= texts == nullptr;
  if (texts && !texts->error.empty()) dkim.words = "can't be looked up now";
  if (texts && texts->error.empty()) {
    const KeyProof& proof = proof_of(use, dkim.name, texts);
    dkim.worth = proof.state == KeyState::proven ? SignatureWorth::usable : SignatureWorth::useless;
    dkim.why_useless = reason_of(proof.state);
    dkim.words = proof.reason;
  }
  add_alignment(dkim, author, missing);
}

void Predictor::add_alignment(DkimEvidence& dkim, const DomainFacts* author, Missing& missing) {
  const auto identity = facts(dkim.domain);
  missing.any |= identity == nullptr;
  if (!identity || author == nullptr) return;
  dkim.alignment = alignment_of(author->policy.adkim, *author, *identity);
  dkim.by_list = by_list(author->policy_by_list.adkim, *author, *identity);
}

const KeyProof& Predictor::proof_of(const SigningKeyUse& use, const std::string& name,
                                    const std::shared_ptr<const Texts>& texts) {
  if (judged_.size() > kMaxJudged) judged_.clear();  // All of it is made again from the caches.
  Judged& judged = judged_[name];
  if (judged.texts != texts || judged.domain != use.domain) {
    const keys::PrivateKey& key = use.domain->keys[use.key].key;
    judged = {texts, use.domain,
              judge_key_texts(texts->texts, key.algorithm(), key.public_base64())};
  }
  return judged.proof;
}

std::optional<SpfOutcome> Predictor::known_spf(const ReversePath& sender,
                                               const EgressPoint& point) const {
  std::string key;
  write_spf_key(key, sender, point);
  auto result = spf_.peek(key);
  if (result && result->depends_on_local) {
    add_local(key, sender);
    result = spf_.peek(key);
  }
  if (!result) return std::nullopt;
  return result->outcome;
}

net::Task<std::shared_ptr<const Texts>> Predictor::key_texts(std::string name,
                                                             SteadyTime deadline) {
  auto known = keys_.find(name, [&] { return make_key(name); });
  if (known) co_return known;
  keys_.start(name, make_key(name));
  auto found = co_await keys_.wait(std::move(name), deadline);
  co_return found;
}

Predictor::SpfCache::Shared Predictor::spf(const ReversePath& sender, const EgressPoint& point) {
  thread_local std::string key;  // Keeps its memory from message to message.
  write_spf_key(key, sender, point);
  const auto make = [&] { return make_spf(sender, point); };
  auto result = spf_.find(key, make);
  if (result == nullptr || !result->depends_on_local) return result;
  add_local(key, sender);
  return spf_.find(key, make);
}

void Predictor::start_spf(const ReversePath& sender, const EgressPoint& point) {
  std::string key;
  write_spf_key(key, sender, point);
  const auto known = spf_.peek(key);
  if (known && !known->depends_on_local) return;
  if (known) add_local(key, sender);
  if (!spf_.peek(key)) spf_.start(key, make_spf(sender, point));
}

net::Task<void> Predictor::wait_for_spf(const ReversePath& sender, const EgressPoint& point,
                                        SteadyTime deadline) {
  std::string key;
  write_spf_key(key, sender, point);
  const auto known = co_await spf_.wait(key, deadline);
  if (!known || !known->depends_on_local) co_return;
  add_local(key, sender);
  (void)co_await spf_.wait(key, deadline);
}

void Predictor::start_facts(const std::string& domain) {
  if (!domains_.peek(domain)) domains_.start(domain, make_facts(domain));
}

void Predictor::start_all(const Question& question) {
  std::string key;
  start_facts(question.author.text());
  for (const EgressPoint& point : question.points) {
    start_facts(identity_of(question.sender, point));
    start_spf(question.sender, point);
  }
  for (const SigningKeyUse& use : question.keys) {
    start_facts(use.domain->name.text());
    write_key_name(key, use);
    if (!keys_.peek(key)) keys_.start(key, make_key(key));
  }
  for (const ForeignSignature& signature : question.signatures) start_facts(signature.domain);
}

net::Task<void> Predictor::wait_for_all(std::shared_ptr<const Question> question,
                                        SteadyTime deadline) {
  std::string key;
  (void)co_await domains_.wait(question->author.text(), deadline);
  for (const EgressPoint& point : question->points) {
    (void)co_await domains_.wait(identity_of(question->sender, point), deadline);
    co_await wait_for_spf(question->sender, point, deadline);
  }
  for (const SigningKeyUse& use : question->keys) {
    (void)co_await domains_.wait(use.domain->name.text(), deadline);
    write_key_name(key, use);
    (void)co_await keys_.wait(key, deadline);
  }
  for (const ForeignSignature& signature : question->signatures) {
    (void)co_await domains_.wait(signature.domain, deadline);
  }
}

Predictor::SpfCache::Make Predictor::make_spf(const ReversePath& sender, const EgressPoint& point) {
  SpfQuestion question{.address = point.address,
                       .sender_local = sender ? sender->local : "postmaster",
                       .sender_domain = identity_of(sender, point),
                       .helo = point.helo};
  return [this, question = std::move(question)] { return ask_spf(question); };
}

Predictor::DomainCache::Make Predictor::make_facts(const std::string& domain) {
  return [this, domain] {
    auto parsed = Domain::parse(domain);
    // A name no mail domain has (an underscore in a foreign d=) is in alignment with nobody.
    return ask_facts(parsed ? std::move(*parsed) : *Domain::parse("invalid"));
  };
}

Predictor::KeyCache::Make Predictor::make_key(const std::string& name) {
  return [this, name] { return ask_key(name); };
}

net::Task<Predictor::SpfCache::Made> Predictor::ask_spf(SpfQuestion question) {
  const IpAddress address = question.address;
  const std::string domain = question.sender_domain;
  SpfResult result = co_await options_.check_host(resolver_, loop_, std::move(question),
                                                  {.deadline = kSpfDeadline});
  if (options_.on_spf) options_.on_spf(domain, address, result);
  const auto ttl = result.ttl;
  const bool is_temporary = result.outcome == SpfOutcome::temperror;
  co_return SpfCache::Made{std::move(result), ttl, is_temporary};
}

net::Task<Predictor::DomainCache::Made> Predictor::ask_facts(Domain domain) {
  Walk walked = co_await walk(resolver_, loop_, domain);
  DomainFacts found{.walk = std::move(walked),
                    .organization = {},
                    .organization_by_list = suffixes_.organizational_domain(domain.text()),
                    .policy = {},
                    .policy_by_list = {}};
  found.organization = organizational_domain(found.walk);
  bool is_temporary = found.walk.failed();
  auto ttl = found.walk.ttl;
  std::optional<bool> exists;
  if (needs_existence(found.walk)) {
    const auto answer = co_await resolver_.resolve(loop_, domain.text(), net::RecordType::txt);
    if (answer) exists = answer->exists;
    if (answer) ttl = std::min(ttl, answer->ttl);
    is_temporary |= !answer;
  }
  found.policy = applied_policy(found.walk, exists);
  const std::string& top = found.organization_by_list;
  std::optional<DmarcRecord> at_top;
  bool top_is_known = true;
  if (const WalkStep* step = step_at(found.walk, top)) {
    at_top = step->record;
  } else if (!found.walk.failed()) {  // The walk ended below it, or jumped over it.
    auto asked = co_await ask_dmarc_record(resolver_, loop_, top);
    top_is_known = asked.has_value();
    if (asked) at_top = std::move(asked->record);
  } else {
    top_is_known = false;
  }
  if (top_is_known || found.walk.steps.front().record) {
    found.policy_by_list = applied_policy_by_list(found.walk, top, at_top);
  }
  co_return DomainCache::Made{std::move(found), ttl, is_temporary};
}

net::Task<Predictor::KeyCache::Made> Predictor::ask_key(std::string name) {
  Texts texts = co_await ask_texts(resolver_, loop_, std::move(name));
  const auto ttl = texts.ttl;
  const bool is_temporary = !texts.error.empty();
  co_return KeyCache::Made{std::move(texts), ttl, is_temporary};
}

}  // namespace signet::align
