#include "relay/align/verdict.hpp"

#include <algorithm>
#include <array>

namespace signet::align {
namespace {

constexpr std::size_t kMaxNamed = 3;    // Addresses named in one sentence.
constexpr std::size_t kMaxWords = 380;  // RFC 5321 4.5.3.1.5: a reply line has 512 octets.

using enum VerdictResult;

VerdictResult best(VerdictResult a, VerdictResult b) { return std::min(a, b); }
VerdictResult worst(VerdictResult a, VerdictResult b) { return std::max(a, b); }

/// Both must hold.
VerdictResult both(VerdictResult a, VerdictResult b) { return worst(a, b); }

VerdictResult from(Alignment alignment) {
  if (alignment == Alignment::unknown) return unknown;
  return alignment == Alignment::aligned ? pass : fail;
}
VerdictResult from(SpfOutcome outcome) {
  if (outcome == SpfOutcome::temperror) return unknown;
  return outcome == SpfOutcome::pass ? pass : fail;
}
VerdictResult from(SignatureWorth worth) {
  if (worth == SignatureWorth::unknown) return unknown;
  return worth == SignatureWorth::usable ? pass : fail;
}

template <typename List, typename Judge>
VerdictResult best_of(const List& list, Judge judge) {
  VerdictResult result = fail;
  for (const auto& each : list) result = best(result, judge(each));
  return result;
}

/// The worst over the addresses; nowhere to go is no failure of SPF, but no pass either.
template <typename Judge>
VerdictResult worst_address(const Evidence& evidence, Judge judge) {
  VerdictResult result = evidence.some_address_unknown || evidence.spf.empty() ? unknown : pass;
  for (const SpfEvidence& each : evidence.spf) result = worst(result, judge(each));
  return result;
}

struct World {
  VerdictResult dkim;
  VerdictResult spf;
  VerdictResult overall;
};

World judge(const Evidence& evidence, Discovery discovery, Alignment DkimEvidence::* of_dkim,
            Alignment SpfEvidence::* of_spf) {
  World world{};
  world.dkim = best_of(evidence.dkim, [&](const DkimEvidence& each) {
    return both(from(each.worth), from(each.*of_dkim));
  });
  world.spf = worst_address(evidence, [&](const SpfEvidence& each) {
    return both(from(each.outcome), from(each.*of_spf));
  });
  world.overall = best(world.dkim, world.spf);
  // 5.3.6: with a query for the policy unanswered, a message neither passes nor fails.
  if (discovery == Discovery::unknown) world.overall = unknown;
  return world;
}

void say(std::string& words, std::string_view more) {
  if (more.empty()) return;
  if (!words.empty()) words += "; ";
  words += more;
}

std::string spf_words(const SpfEvidence& each) {
  const std::string spf = "SPF of " + each.domain;
  switch (each.outcome) {
    case SpfOutcome::pass:
      return each.alignment == Alignment::unaligned
                 ? "MAIL FROM domain " + each.domain + " is not in alignment"
                 : std::string();
    case SpfOutcome::none:
      return each.domain + " has no SPF record";
    case SpfOutcome::permerror:
      return spf + " is in error (permerror)";
    case SpfOutcome::temperror:
      return spf + " can't be looked up now";
    default:
      return spf + " does not list " + each.address.to_string();
  }
}

std::string all_spf_words(const Evidence& evidence) {
  std::string words;
  std::size_t named = 0;
  for (const SpfEvidence& each : evidence.spf) {
    const std::string more = spf_words(each);
    if (more.empty() || words.contains(more)) continue;
    if (named++ == kMaxNamed) {
      say(words, "and more");
      break;
    }
    say(words, more);
  }
  return words;
}

std::string dkim_words(const Evidence& evidence) {
  if (evidence.dkim.empty()) {
    return evidence.is_foreign ? "no DKIM signature"
                               : "no DKIM key of " + evidence.author + " here";
  }
  std::string words;
  for (const DkimEvidence& each : evidence.dkim) {
    if (words.size() > kMaxWords / 2) break;
    if (each.alignment == Alignment::unaligned)
      say(words, "DKIM domain " + each.domain + " is not in alignment");
    else if (each.worth != SignatureWorth::usable)
      say(words, each.name + " " + each.words);
  }
  return words;
}

VerdictReason failure_reason(const Evidence& evidence) {
  if (evidence.is_foreign) return VerdictReason::foreign_invalid;
  if (evidence.dkim.empty()) return VerdictReason::no_signature;
  for (const DkimEvidence& each : evidence.dkim) {
    if (each.alignment == Alignment::aligned && each.worth == SignatureWorth::useless)
      return each.why_useless;
  }
  return VerdictReason::signature_unaligned;
}

std::string printable(std::string words) {
  for (char& c : words) {
    if (c < ' ' || c > '~') c = '?';
  }
  if (words.size() > kMaxWords) words.resize(kMaxWords);
  return words;
}

void judge_strictly(const Evidence& evidence, VerdictResult aligned, Verdict& verdict) {
  const auto spf =
      worst_address(evidence, [](const SpfEvidence& each) { return from(each.outcome); });
  const auto dkim =
      best_of(evidence.dkim, [](const DkimEvidence& each) { return from(each.worth); });
  verdict.strict = worst(worst(spf, dkim), aligned);
  if (verdict.strict == pass) return;
  std::string words;
  if (spf != pass) say(words, all_spf_words(evidence));
  if (dkim != pass) say(words, dkim_words(evidence));
  verdict.strict_words = printable(std::move(words));
}

}  // namespace

std::string_view name_of(VerdictResult result) {
  constexpr std::array<std::string_view, 3> kNames{"pass", "unknown", "fail"};
  return kNames[static_cast<std::size_t>(result)];
}

std::string_view name_of(VerdictReason reason) {
  constexpr std::array<std::string_view, 10> kNames{"aligned",        "aligned_by_spf_alone",
                                                    "no_signature",   "signature_unaligned",
                                                    "key_not_in_dns", "key_differs",
                                                    "key_unusable",   "foreign_invalid",
                                                    "dns_error",      "deadline"};
  return kNames[static_cast<std::size_t>(reason)];
}

std::string_view name_of(Action action) {
  constexpr std::array<std::string_view, 4> kNames{"send", "tag", "hold", "refuse"};
  return kNames[static_cast<std::size_t>(action)];
}

Verdict decide_verdict(const Evidence& evidence) {
  Verdict verdict{.policy = evidence.policy};
  const World walked =
      judge(evidence, evidence.policy.discovery, &DkimEvidence::alignment, &SpfEvidence::alignment);
  const World listed = judge(evidence, evidence.policy_by_list.discovery, &DkimEvidence::by_list,
                             &SpfEvidence::by_list);
  verdict.result = walked.overall;
  verdict.by_list = listed.overall;
  verdict.worlds_differ = walked.overall != unknown && listed.overall != unknown &&
                          (walked.overall != listed.overall ||
                           evidence.policy.policy != evidence.policy_by_list.policy);
  if (verdict.result == pass) {
    verdict.reason =
        walked.dkim == pass ? VerdictReason::aligned : VerdictReason::aligned_by_spf_alone;
  } else if (verdict.result == unknown) {
    verdict.reason = evidence.deadline_passed ? VerdictReason::deadline : VerdictReason::dns_error;
  } else {
    verdict.reason = failure_reason(evidence);
  }
  std::string words = all_spf_words(evidence);
  if (walked.dkim != pass) say(words, dkim_words(evidence));
  if (evidence.policy.discovery == Discovery::unknown)
    say(words, "the DMARC policy of " + evidence.author + " can't be looked up now");
  verdict.words = printable(std::move(words));
  judge_strictly(evidence, walked.overall, verdict);
  return verdict;
}

Action decide_action(const Verdict& verdict, AlignmentPolicy policy) {
  if (verdict.result != fail) return Action::send;
  switch (policy) {
    case AlignmentPolicy::observe:
      return Action::send;
    case AlignmentPolicy::tag:
      return Action::tag;
    case AlignmentPolicy::hold:
      return Action::hold;
    case AlignmentPolicy::refuse:
      return Action::refuse;
    case AlignmentPolicy::automatic:
      break;
  }
  if (verdict.policy.discovery != Discovery::found) return Action::send;
  switch (verdict.policy.policy) {
    case DmarcPolicy::none:
      return Action::send;
    case DmarcPolicy::quarantine:
      return Action::tag;
    case DmarcPolicy::reject:
      break;
  }
  return Action::refuse;
}

std::string tag_value(const Verdict& verdict, const std::string& author) {
  return std::string(name_of(verdict.result)) + "; author=" + author +
         "; reason=" + std::string(name_of(verdict.reason)) +
         "; policy=" + std::string(name_of(verdict.policy.policy));
}

}  // namespace signet::align
