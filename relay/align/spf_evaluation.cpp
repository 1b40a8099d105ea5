#include "relay/align/spf_evaluation.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

#include "relay/base/domain.hpp"

namespace signet::align {
namespace {

constexpr std::size_t kMaxExplanation = 4096;  // Of the text, and of the domain-spec it is at.

using net::Task;

bool has_eight_bit(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

/// With A-labels for U-labels, without the trailing dot.
std::string to_ascii(std::string name) {
  if (has_eight_bit(name)) {
    if (const auto domain = Domain::parse(name)) return domain->text();
  }
  if (name.ends_with('.')) name.pop_back();
  return name;
}

/// RFC 7208 4.3; an address literal is no domain.
bool is_checkable(std::string_view domain) {
  return is_askable(domain) && domain.contains('.') && !domain.starts_with('[') &&
         !has_eight_bit(domain);
}

SpfFinding failed(const std::string& domain, const std::string& term, const Error& error) {
  return {.outcome =
              error.fault == Fault::dns_temporary ? SpfOutcome::temperror : SpfOutcome::permerror,
          .term = term,
          .chain = {shown(domain)},
          .reason = shown(domain) + ": " + (term.empty() ? "" : term + ": ") + error.detail};
}

SpfFinding unmatched(const std::string& domain, const IpAddress& address) {
  return {.outcome = SpfOutcome::neutral,
          .chain = {shown(domain)},
          .reason = "no term of " + shown(domain) + " matches " + address.to_string()};
}

SpfFinding matched(const std::string& domain, const SpfDirective& directive,
                   const SpfRecord& record, const IpAddress& address,
                   std::optional<SpfFinding> included) {
  const std::string here = directive.text + " of " + shown(domain);
  SpfFinding finding{.outcome = directive.outcome,
                     .term = directive.text,
                     .chain = {shown(domain)},
                     .reason = here + " matches " + address.to_string()};
  if (included) {
    finding.term = std::move(included->term);
    std::ranges::move(included->chain, std::back_inserter(finding.chain));
    finding.reason = included->reason + ", by " + here;
  }
  if (directive.outcome == SpfOutcome::fail && record.explanation &&
      record.explanation->domain_spec.size() <= kMaxExplanation) {
    finding.explanation = record.explanation->domain_spec;
    finding.explanation_domain = domain;
  }
  return finding;
}

}  // namespace

SpfEvaluation::SpfEvaluation(net::Resolver& resolver, net::Loop& loop, SpfQuestion question,
                             const SpfLimits& limits)
    : limits_(limits), questions_(resolver, loop, limits) {
  values_.address = question.address;
  values_.sender_local =
      question.sender_local.empty() ? "postmaster" : std::move(question.sender_local);
  values_.sender_domain = to_ascii(std::move(question.sender_domain));
  values_.helo = to_ascii(std::move(question.helo));
  values_.time = std::to_string(std::time(nullptr));
}

Task<SpfResult> SpfEvaluation::result() {
  SpfFinding found;
  if (is_checkable(values_.sender_domain)) {
    found = co_await check(values_.sender_domain);
  } else {
    found.chain = {shown(values_.sender_domain)};
    found.reason = "\"" + shown(values_.sender_domain) + "\" is no domain of two labels or more";
  }
  co_return SpfResult{.outcome = found.outcome,
                      .term = std::move(found.term),
                      .chain = std::move(found.chain),
                      .reason = std::move(found.reason),
                      .lookups = lookups_,
                      .void_lookups = void_lookups_,
                      .ttl = questions_.ttl(),
                      .depends_on_local = depends_on_local_,
                      .explanation = std::move(found.explanation),
                      .explanation_domain = std::move(found.explanation_domain)};
}

// RFC 7208 4.4 to 4.6.
Task<SpfFinding> SpfEvaluation::check(std::string domain) {
  auto text = co_await fetch_record(domain);
  if (!text) co_return failed(domain, "", text.error());
  if (text->empty()) {
    co_return SpfFinding{.chain = {shown(domain)}, .reason = shown(domain) + ": no SPF record"};
  }
  auto record = parse_spf_record(*text);
  if (!record) co_return failed(domain, "", record.error());
  auto finding = co_await evaluate(std::move(domain), std::move(*record));
  co_return finding;
}

Task<Result<std::string>> SpfEvaluation::fetch_record(std::string domain) {
  const auto answer = co_await questions_.ask(std::move(domain), net::RecordType::txt);
  if (!answer) co_return answer.failure();
  std::string found;
  for (const std::string& rdata : answer->records) {
    auto text = net::decode_txt(rdata);
    if (!text || !is_spf_record(*text)) continue;
    if (!found.empty()) co_return fail(Fault::bad_parameter, "more than one SPF record");
    found = std::move(*text);
  }
  co_return found;
}

Task<SpfFinding> SpfEvaluation::evaluate(std::string domain, SpfRecord record) {
  for (const SpfDirective& directive : record.directives) {
    auto match = co_await matches(directive, domain);
    if (!match) co_return failed(domain, directive.text, match.error());
    auto& [matches_now, included] = *match;
    if (included && !matches_now) {
      included->chain.insert(included->chain.begin(), shown(domain));
      co_return std::move(*included);
    }
    if (questions_.take_void()) {
      const auto counted = count_void();
      if (!counted) co_return failed(domain, directive.text, counted.error());
    }
    if (matches_now) {
      co_return matched(domain, directive, record, values_.address, std::move(included));
    }
  }
  if (!record.redirect) co_return unmatched(domain, values_.address);
  auto finding = co_await redirected(std::move(domain), std::move(*record.redirect));
  co_return finding;
}

// RFC 7208 6.1: the result and the explanation are the target's, but for none.
Task<SpfFinding> SpfEvaluation::redirected(std::string domain, SpfModifier redirect) {
  if (const auto counted = count_lookup(); !counted) {
    co_return failed(domain, redirect.text, counted.error());
  }
  const auto values = co_await values_for(redirect.target, domain);
  if (!values) co_return failed(domain, redirect.text, values.error());
  if (questions_.take_void()) {
    const auto counted = count_void();
    if (!counted) co_return failed(domain, redirect.text, counted.error());
  }
  auto target = expand_domain(redirect.target, *values);
  if (!is_askable(target)) {
    co_return failed(domain, redirect.text, {Fault::bad_parameter, "not a domain name"});
  }
  auto finding = co_await check(std::move(target));
  if (finding.outcome == SpfOutcome::none) {
    co_return failed(domain, redirect.text, {Fault::bad_parameter, std::move(finding.reason)});
  }
  finding.chain.insert(finding.chain.begin(), shown(domain));
  co_return finding;
}

Result<void> SpfEvaluation::count_lookup() {
  if (++lookups_ <= limits_.lookups) return {};
  return fail(Fault::bad_parameter,
              "more than " + std::to_string(limits_.lookups) + " terms with DNS lookups");
}

Result<void> SpfEvaluation::count_void() {
  if (++void_lookups_ <= limits_.void_lookups) return {};
  return fail(Fault::bad_parameter,
              "more than " + std::to_string(limits_.void_lookups) + " void lookups");
}

// Whatever is wrong, there is just no explanation.
Task<std::string> SpfEvaluation::explanation(std::string domain, std::string domain_spec) {
  const auto macro = MacroString::parse_domain_spec(domain_spec);
  if (!macro) co_return "";
  const auto name_values = co_await values_for(*macro, domain);
  if (!name_values) co_return "";
  auto name = expand_domain(*macro, *name_values);
  if (!is_askable(name)) co_return "";
  const auto answer = co_await questions_.ask(std::move(name), net::RecordType::txt);
  if (!answer || answer->records.size() != 1) co_return "";
  const auto text = net::decode_txt(answer->records.front());
  if (!text) co_return "";
  const auto words = MacroString::parse_explanation(*text);
  if (!words) co_return "";
  const auto values = co_await values_for(*words, std::move(domain));
  if (!values) co_return "";
  const auto expanded = expand_text(*words, *values, kMaxExplanation);
  const auto is_printable = [](char c) { return c >= ' ' && c < 0x7F; };
  if (!expanded || !std::ranges::all_of(*expanded, is_printable)) co_return "";
  co_return *expanded;
}

}  // namespace signet::align
