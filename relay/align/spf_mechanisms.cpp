#include <algorithm>

#include "relay/align/spf_evaluation.hpp"

namespace signet::align {
namespace {

using net::RecordType;
using net::Task;

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// `name` is `parent` or below it.
bool is_within(std::string_view name, std::string_view parent) {
  if (name.size() <= parent.size()) return same_name(name, parent);
  const std::size_t start = name.size() - parent.size();
  return name[start - 1] == '.' && same_name(name.substr(start), parent);
}

/// RFC 7208 7.3: <domain> itself, else a name below it, else any.
std::string chosen(const std::vector<std::string>& names, const std::string& domain) {
  const auto find = [&](auto fits) {
    return std::ranges::find_if(names, [&](const auto& name) { return fits(name, domain); });
  };
  if (const auto same = find(same_name); same != names.end()) return *same;
  if (const auto below = find(is_within); below != names.end()) return *below;
  return names.empty() ? "unknown" : names.front();
}

}  // namespace

Task<Result<SpfMatch>> SpfEvaluation::matches(const SpfDirective& directive, std::string domain) {
  const auto address = values_.address.bytes();
  if (directive.mechanism == SpfMechanism::all) co_return SpfMatch{true};
  if (directive.mechanism == SpfMechanism::ip4) {
    co_return SpfMatch{in_network(directive.network, directive.prefix4, address)};
  }
  if (directive.mechanism == SpfMechanism::ip6) {
    co_return SpfMatch{in_network(directive.network, directive.prefix6, address)};
  }
  if (const auto counted = count_lookup(); !counted) co_return counted.failure();
  if (directive.target) {
    const auto values = co_await values_for(*directive.target, std::move(domain));
    if (!values) co_return values.failure();
    domain = expand_domain(*directive.target, *values);
  }
  auto match = co_await ask_about(directive, std::move(domain));
  co_return match;
}

// A name the DNS can't hold has no address (as in RFC 7208 4.3; 4.8 leaves it open), but a record
// that includes one is in error.
Task<Result<SpfMatch>> SpfEvaluation::ask_about(const SpfDirective& directive, std::string target) {
  if (directive.mechanism == SpfMechanism::include) return include(std::move(target));
  if (directive.mechanism == SpfMechanism::ptr) return name_validates(std::move(target));
  if (directive.mechanism == SpfMechanism::mx) return mx_matches(directive, std::move(target));
  if (directive.mechanism == SpfMechanism::exists) return exists(std::move(target));
  return host_matches(directive, std::move(target));
}

// RFC 7208 5.2.
Task<Result<SpfMatch>> SpfEvaluation::include(std::string target) {
  if (!is_askable(target)) co_return fail(Fault::bad_parameter, "not a domain name");
  const bool was_void = questions_.take_void();  // By %{p}: this term's, not an included one's.
  auto finding = co_await check(std::move(target));
  if (was_void) questions_.mark_void();
  switch (finding.outcome) {
    case SpfOutcome::pass:
      co_return SpfMatch{true, std::move(finding)};
    case SpfOutcome::none:
      co_return fail(Fault::bad_parameter, std::move(finding.reason));
    case SpfOutcome::temperror:
    case SpfOutcome::permerror:
      co_return SpfMatch{false, std::move(finding)};
    default:
      co_return SpfMatch{};
  }
}

// RFC 7208 5.3; also for each name of an mx.
Task<Result<SpfMatch>> SpfEvaluation::host_matches(const SpfDirective& directive,
                                                   std::string host) {
  if (!is_askable(host)) co_return SpfMatch{};
  const auto answer = co_await questions_.ask(std::move(host), address_type());
  if (!answer) co_return answer.failure();
  const unsigned prefix = values_.address.is_v6() ? directive.prefix6 : directive.prefix4;
  co_return SpfMatch{std::ranges::any_of(answer->records, [&](const std::string& rdata) {
    return in_network(rdata, prefix, values_.address.bytes());
  })};
}

// RFC 7208 5.4. More names than allowed (4.6.4) are an error even where one of the first would
// match: an answer has no order, so the result would be luck.
Task<Result<SpfMatch>> SpfEvaluation::mx_matches(const SpfDirective& directive,
                                                 std::string target) {
  if (!is_askable(target)) co_return SpfMatch{};
  const auto answer = co_await questions_.ask(std::move(target), RecordType::mx);
  if (!answer) co_return answer.failure();
  if (answer->records.size() > limits_.mx_names) {
    co_return fail(Fault::bad_parameter,
                   "more than " + std::to_string(limits_.mx_names) + " MX records");
  }
  for (const std::string& rdata : answer->records) {
    auto mx = net::decode_mx(rdata);
    if (!mx) continue;
    auto match = co_await host_matches(directive, std::move(mx->host));
    if (!match || match->matches) co_return match;
  }
  co_return SpfMatch{};
}

// RFC 7208 5.5.
Task<Result<SpfMatch>> SpfEvaluation::name_validates(std::string target) {
  const auto names = co_await validated_names();
  if (!names) co_return names.failure();
  co_return SpfMatch{std::ranges::any_of(
      *names, [&](const std::string& name) { return is_within(name, target); })};
}

// RFC 7208 5.7: A, whatever the family of the address.
Task<Result<SpfMatch>> SpfEvaluation::exists(std::string target) {
  if (!is_askable(target)) co_return SpfMatch{};
  const auto answer = co_await questions_.ask(std::move(target), RecordType::a);
  if (!answer) co_return answer.failure();
  co_return SpfMatch{!answer->records.empty()};
}

Task<Result<MacroValues>> SpfEvaluation::values_for(const MacroString& macro, std::string domain) {
  MacroValues values = values_;
  const auto is_local = [](const MacroPart& part) {
    return part.letter == 'l' || part.letter == 's';
  };
  depends_on_local_ |= std::ranges::any_of(macro.parts(), is_local);
  if (macro.needs_validated_name()) {
    const auto names = co_await validated_names();
    if (!names) co_return names.failure();
    values.validated_name = chosen(*names, domain);
  }
  values.domain = std::move(domain);
  co_return values;
}

Task<Result<std::vector<std::string>>> SpfEvaluation::validated_names() {
  if (validated_names_) {
    if (validation_was_void_) questions_.mark_void();
    co_return *validated_names_;
  }
  const auto answer = co_await questions_.ask(reverse_name(values_.address), RecordType::ptr);
  if (!answer && is_end(answer.error())) co_return answer.failure();
  validation_was_void_ = answer && answer->records.empty();
  std::vector<std::string> names;
  const std::size_t count = answer ? answer->records.size() : 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(count, limits_.ptr_names); ++i) {
    auto name = net::decode_name(answer->records[i]);
    if (!name || !is_askable(*name)) continue;
    const auto leads = co_await leads_back(*name);
    if (!leads) co_return leads.failure();
    if (*leads) names.push_back(std::move(*name));
  }
  validated_names_ = names;
  co_return names;
}

Task<Result<bool>> SpfEvaluation::leads_back(std::string name) {
  const auto answer = co_await questions_.ask(std::move(name), address_type());
  if (!answer && is_end(answer.error())) co_return answer.failure();
  if (!answer) co_return false;
  if (answer->records.empty()) validation_was_void_ = true;
  const auto address = std::ranges::find(answer->records, values_.address.bytes());
  co_return address != answer->records.end();
}

/// A DNS error only leaves a name out (RFC 7208 5.5); the clock and the number of questions end
/// the evaluation.
bool SpfEvaluation::is_end(const Error& error) const {
  return error.fault != Fault::dns_temporary || questions_.is_late();
}

}  // namespace signet::align
