#include "relay/align/dmarc.hpp"

#include <algorithm>

namespace signet::align {
namespace {

/// The record that applies: at the Author Domain, else its Organizational Domain, else its Public
/// Suffix Domain. Null: none.
const WalkStep* applicable(const Walk& author) {
  if (author.steps.front().record) return &author.steps.front();
  const auto top = organizational_domain(author);
  if (!top) return nullptr;
  const WalkStep* found = step_at(author, *top);
  if (found != nullptr && found->record) return found;
  const auto is_suffix = [](const WalkStep& step) {
    return step.record && step.record->psd == PublicSuffixFlag::yes;
  };
  const auto suffix = std::ranges::find_if(author.steps, is_suffix);
  return suffix == author.steps.end() ? nullptr : &*suffix;
}

DmarcPolicy inherited(const DmarcRecord& record, bool exists) {
  if (!exists && record.np) return *record.np;
  return record.sp.value_or(record.p);
}

AppliedPolicy from(const DmarcRecord& record, const std::string& domain, DmarcPolicy declared,
                   bool is_test) {
  return {.discovery = Discovery::found,
          .domain = domain,
          .policy = is_test ? lowered(declared) : declared,
          .declared = declared,
          .adkim = record.adkim,
          .aspf = record.aspf};
}

}  // namespace

DmarcPolicy lowered(DmarcPolicy policy) {
  return policy == DmarcPolicy::reject ? DmarcPolicy::quarantine : DmarcPolicy::none;
}

const WalkStep* step_at(const Walk& walk, const std::string& domain) {
  const auto found = std::ranges::find(walk.steps, domain, &WalkStep::domain);
  return found == walk.steps.end() ? nullptr : &*found;
}

bool needs_existence(const Walk& author) {
  const WalkStep* step = applicable(author);
  if (step == nullptr || step == &author.steps.front() || !step->record) return false;
  const DmarcRecord& record = *step->record;
  return record.is_usable && record.np && *record.np != record.sp.value_or(record.p);
}

AppliedPolicy applied_policy(const Walk& author, std::optional<bool> exists) {
  const WalkStep* step = applicable(author);
  if (step == nullptr || !step->record) {
    return {.discovery = author.failed() ? Discovery::unknown : Discovery::no_record};
  }
  const DmarcRecord& record = *step->record;
  if (!record.is_usable) return {.discovery = Discovery::no_record};
  const bool own = step == &author.steps.front();
  if (!own && !exists && needs_existence(author)) return {.discovery = Discovery::unknown};
  const auto declared = own ? record.p : inherited(record, exists.value_or(true));
  return from(record, step->domain, declared, record.is_test);
}

Alignment identifier_alignment(AlignmentMode mode, const Walk& author, const Walk& identifier) {
  // The same domain needs no walk (4.10.2), and strict alignment is nothing else.
  if (author.start() == identifier.start()) return Alignment::aligned;
  if (mode == AlignmentMode::strict) return Alignment::unaligned;
  const auto ours = organizational_domain(author);
  const auto theirs = organizational_domain(identifier);
  if (!ours || !theirs) return Alignment::unknown;
  return *ours == *theirs ? Alignment::aligned : Alignment::unaligned;
}

AppliedPolicy applied_policy_by_list(const Walk& author, const std::string& top,
                                     const std::optional<DmarcRecord>& at_top) {
  const auto& own = author.steps.front().record;
  if (own && own->is_usable) return from(*own, author.start(), own->p, false);
  if (!at_top || !at_top->is_usable || top == author.start())
    return {.discovery = Discovery::no_record};
  return from(*at_top, top, at_top->sp.value_or(at_top->p), false);
}

Alignment identifier_alignment_by_list(AlignmentMode mode, const PublicSuffixes& suffixes,
                                       const std::string& author, const std::string& identifier) {
  if (author == identifier) return Alignment::aligned;
  if (mode == AlignmentMode::strict) return Alignment::unaligned;
  const bool same =
      suffixes.organizational_domain(author) == suffixes.organizational_domain(identifier);
  return same ? Alignment::aligned : Alignment::unaligned;
}

}  // namespace signet::align
