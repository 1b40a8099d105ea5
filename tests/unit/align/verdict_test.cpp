#include "relay/align/verdict.hpp"

#include <gmock/gmock.h>

namespace signet::align {
namespace {

using testing::HasSubstr;
using enum VerdictResult;

constexpr auto kAligned = Alignment::aligned;
constexpr auto kUnaligned = Alignment::unaligned;

AppliedPolicy published(DmarcPolicy policy) {
  return {
      .discovery = Discovery::found, .domain = "example.com", .policy = policy, .declared = policy};
}

SpfEvidence spf(SpfOutcome outcome, Alignment alignment = kAligned,
                const std::string& address = "192.0.2.7") {
  return {.address = *IpAddress::parse(address),
          .domain = "example.com",
          .outcome = outcome,
          .alignment = alignment,
          .by_list = alignment};
}

DkimEvidence dkim(SignatureWorth worth, Alignment alignment = kAligned,
                  VerdictReason why = VerdictReason::key_not_in_dns) {
  return {.domain = "example.com",
          .name = "s._domainkey.example.com",
          .worth = worth,
          .why_useless = why,
          .words = "is not in DNS",
          .alignment = alignment,
          .by_list = alignment};
}

Evidence evidence(std::vector<SpfEvidence> spf, std::vector<DkimEvidence> dkim,
                  AppliedPolicy policy = published(DmarcPolicy::reject)) {
  return {.author = "example.com",
          .policy = policy,
          .policy_by_list = policy,
          .spf = std::move(spf),
          .dkim = std::move(dkim)};
}

TEST(Verdict, any_aligned_pass_is_enough_on_the_worst_address) {
  using enum SpfOutcome;
  constexpr auto kUsable = SignatureWorth::usable;
  constexpr auto kUseless = SignatureWorth::useless;
  constexpr auto kUnknown = SignatureWorth::unknown;
  struct Case {
    std::vector<SpfEvidence> spf;
    std::vector<DkimEvidence> dkim;
    VerdictResult result;
    VerdictResult strict;
    VerdictReason reason;
  };
  using enum VerdictReason;
  const SpfEvidence other = spf(SpfOutcome::fail, kAligned, "192.0.2.8");
  const std::vector<Case> cases{
      {{spf(SpfOutcome::pass)}, {dkim(kUsable)}, VerdictResult::pass, VerdictResult::pass, aligned},
      {{spf(SpfOutcome::pass), other},
       {dkim(kUsable)},
       VerdictResult::pass,
       VerdictResult::fail,
       aligned},
      {{spf(SpfOutcome::pass)}, {}, VerdictResult::pass, VerdictResult::fail, aligned_by_spf_alone},
      {{spf(SpfOutcome::pass), other}, {}, VerdictResult::fail, VerdictResult::fail, no_signature},
      {{spf(SpfOutcome::pass), spf(temperror)}, {}, unknown, VerdictResult::fail, dns_error},
      {{other, spf(temperror)}, {}, VerdictResult::fail, VerdictResult::fail, no_signature},
      {{spf(SpfOutcome::pass, kUnaligned)},
       {dkim(kUsable)},
       VerdictResult::pass,
       VerdictResult::pass,
       aligned},
      {{spf(SpfOutcome::pass)},
       {dkim(kUsable, kUnaligned)},
       VerdictResult::pass,
       VerdictResult::pass,
       aligned_by_spf_alone},
      {{spf(SpfOutcome::pass, kUnaligned)},
       {dkim(kUsable, kUnaligned)},
       VerdictResult::fail,
       VerdictResult::fail,
       signature_unaligned},
      {{spf(softfail)}, {dkim(kUseless)}, VerdictResult::fail, VerdictResult::fail, key_not_in_dns},
      {{spf(none)},
       {dkim(kUseless, kAligned, key_differs)},
       VerdictResult::fail,
       VerdictResult::fail,
       key_differs},
      {{spf(permerror)}, {dkim(kUnknown)}, unknown, VerdictResult::fail, dns_error},
      {{spf(neutral)},
       {dkim(kUseless), dkim(kUsable)},
       VerdictResult::pass,
       VerdictResult::fail,
       aligned},
      {{spf(SpfOutcome::pass, Alignment::unknown)}, {}, unknown, VerdictResult::fail, dns_error},
      {{}, {dkim(kUsable)}, VerdictResult::pass, unknown, aligned},
      {{}, {dkim(kUseless)}, unknown, VerdictResult::fail, dns_error},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto verdict = decide_verdict(evidence(cases[i].spf, cases[i].dkim));
    EXPECT_EQ(verdict.result, cases[i].result) << i;
    EXPECT_EQ(verdict.strict, cases[i].strict) << i;
    EXPECT_EQ(verdict.reason, cases[i].reason) << i << " " << name_of(verdict.reason);
    EXPECT_FALSE(verdict.worlds_differ) << i;
  }
}

TEST(Verdict, says_what_to_mend) {
  auto given = evidence({spf(SpfOutcome::pass), spf(SpfOutcome::fail)}, {});
  EXPECT_EQ(decide_verdict(given).words,
            "SPF of example.com does not list 192.0.2.7; no DKIM key of example.com here");
  given = evidence({spf(SpfOutcome::none)}, {dkim(SignatureWorth::useless)});
  EXPECT_EQ(decide_verdict(given).words,
            "example.com has no SPF record; s._domainkey.example.com is not in DNS");
  std::vector<SpfEvidence> many;
  for (int i = 1; i < 60; ++i)
    many.push_back(spf(SpfOutcome::fail, kAligned, "192.0.2." + std::to_string(i)));
  EXPECT_LE(decide_verdict(evidence(many, {})).words.size(), 380U);
  EXPECT_THAT(decide_verdict(evidence(many, {})).words, HasSubstr("and more"));
}

TEST(Verdict, an_unknown_address_is_no_pass_and_no_failure) {
  auto given = evidence({spf(SpfOutcome::pass)}, {});
  given.some_address_unknown = true;
  EXPECT_EQ(decide_verdict(given).result, unknown);
  given.dkim = {dkim(SignatureWorth::usable)};
  EXPECT_EQ(decide_verdict(given).result, VerdictResult::pass);
}

// A76, RFC 9989 5.3.6.
TEST(Verdict, an_unknown_policy_is_never_a_pass) {
  const AppliedPolicy nothing{};
  const auto verdict =
      decide_verdict(evidence({spf(SpfOutcome::pass)}, {dkim(SignatureWorth::usable)}, nothing));
  EXPECT_EQ(verdict.result, unknown);
  EXPECT_EQ(verdict.reason, VerdictReason::dns_error);
}

TEST(Verdict, tells_when_the_two_worlds_differ) {
  auto given = evidence({spf(SpfOutcome::fail)}, {dkim(SignatureWorth::usable)});
  given.dkim.front().by_list = kUnaligned;
  const auto verdict = decide_verdict(given);
  EXPECT_EQ(verdict.result, VerdictResult::pass);
  EXPECT_EQ(verdict.by_list, VerdictResult::fail);
  EXPECT_TRUE(verdict.worlds_differ);
}

// A78, the policy matrix.
TEST(Action, follows_policy_on_failure_alone) {
  using enum AlignmentPolicy;
  struct Case {
    VerdictResult result;
    AppliedPolicy found;
    AlignmentPolicy policy;
    Action action;
  };
  const AppliedPolicy no_record{.discovery = Discovery::no_record};
  const std::vector<Case> cases{
      {VerdictResult::pass, published(DmarcPolicy::reject), refuse, Action::send},
      {unknown, published(DmarcPolicy::reject), refuse, Action::send},
      {unknown, published(DmarcPolicy::reject), hold, Action::send},
      {unknown, published(DmarcPolicy::reject), automatic, Action::send},
      {VerdictResult::fail, no_record, automatic, Action::send},
      {VerdictResult::fail, published(DmarcPolicy::none), automatic, Action::send},
      {VerdictResult::fail, published(DmarcPolicy::quarantine), automatic, Action::tag},
      {VerdictResult::fail, published(DmarcPolicy::reject), automatic, Action::refuse},
      {VerdictResult::fail, published(DmarcPolicy::reject), observe, Action::send},
      {VerdictResult::fail, published(DmarcPolicy::none), tag, Action::tag},
      {VerdictResult::fail, published(DmarcPolicy::none), hold, Action::hold},
      {VerdictResult::fail, no_record, refuse, Action::refuse},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(decide_action({.result = cases[i].result, .policy = cases[i].found}, cases[i].policy),
              cases[i].action)
        << i;
  }
}

}  // namespace
}  // namespace signet::align
