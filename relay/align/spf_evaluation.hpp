// One evaluation of check_host() and of the records it leads to; for spf.cpp only.
//
// Records, redirects and what a term's result means are in spf_evaluation.cpp; how a mechanism asks
// the DNS is in spf_mechanisms.cpp. Among these a permerror is Fault::bad_parameter, a temperror
// Fault::dns_temporary.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "relay/align/spf.hpp"
#include "relay/align/spf_questions.hpp"
#include "relay/align/spf_record.hpp"

namespace signet::align {

/// What check_host() gives for one domain; an included one's is part of the outer one's.
struct SpfFinding {
  SpfOutcome outcome = SpfOutcome::none;
  std::string term = {};
  std::vector<std::string> chain = {};
  std::string reason = {};
  std::string explanation = {};
  std::string explanation_domain = {};
};

/// Whether a term matches. For include also by what: the finding of the included domain; without a
/// match, its error.
struct SpfMatch {
  bool matches = false;
  std::optional<SpfFinding> included = {};
};

class SpfEvaluation {
 public:
  SpfEvaluation(net::Resolver& resolver, net::Loop& loop, SpfQuestion question,
                const SpfLimits& limits);

  [[nodiscard]] net::Task<SpfResult> result();
  /// The text that `domain_spec`, of exp= in the record of `domain`, leads to (RFC 7208 6.2).
  [[nodiscard]] net::Task<std::string> explanation(std::string domain, std::string domain_spec);

 private:
  net::Task<SpfFinding> check(std::string domain);
  /// Empty when there is none.
  net::Task<Result<std::string>> fetch_record(std::string domain);
  net::Task<SpfFinding> evaluate(std::string domain, SpfRecord record);
  net::Task<SpfFinding> redirected(std::string domain, SpfModifier redirect);

  // The directive lives in the caller's record.
  net::Task<Result<SpfMatch>> matches(const SpfDirective& directive, std::string domain);
  net::Task<Result<SpfMatch>> ask_about(const SpfDirective& directive, std::string target);
  net::Task<Result<SpfMatch>> include(std::string target);
  net::Task<Result<SpfMatch>> host_matches(const SpfDirective& directive, std::string host);
  net::Task<Result<SpfMatch>> mx_matches(const SpfDirective& directive, std::string target);
  net::Task<Result<SpfMatch>> name_validates(std::string target);
  net::Task<Result<SpfMatch>> exists(std::string target);

  net::Task<Result<MacroValues>> values_for(const MacroString& macro, std::string domain);
  /// The names of the address that lead back to it (RFC 7208 5.5); asked for once.
  net::Task<Result<std::vector<std::string>>> validated_names();
  net::Task<Result<bool>> leads_back(std::string name);
  [[nodiscard]] bool is_end(const Error& error) const;

  Result<void> count_lookup();
  Result<void> count_void();
  [[nodiscard]] net::RecordType address_type() const {
    return values_.address.is_v6() ? net::RecordType::aaaa : net::RecordType::a;
  }

  SpfLimits limits_;
  SpfQuestions questions_;
  MacroValues values_;
  std::optional<std::vector<std::string>> validated_names_;
  bool validation_was_void_ = false;
  bool depends_on_local_ = false;
  unsigned lookups_ = 0;
  unsigned void_lookups_ = 0;
};

}  // namespace signet::align
