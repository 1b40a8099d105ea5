#include "relay/sign/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "tests/unit/sign/samples.hpp"

namespace signet::sign {
namespace {

std::vector<std::string> signers_of(const Plan& plan) {
  std::vector<std::string> names;
  for (const auto& planned : plan.signatures)
    names.push_back(planned.domain->keys[planned.key].selector + "." + planned.domain->name.text() +
                    (planned.bulk ? " bulk" : ""));
  return names;
}

struct PlanCase {
  bool author;
  bool platform;
  bool own;
  bool asked;
  std::vector<std::string> expected;
};

TEST(PlanTest, own_mail_is_signed_by_author_then_platform_and_foreign_by_platform_if_asked) {
  const auto author = domain_with("a.example", true, true);
  const auto platform = domain_with("p.example", true, false);
  for (const auto& [has_author, has_platform, own, asked, expected] : std::vector<PlanCase>{
           {true, false, true, false, {"r1.a.example", "e1.a.example"}},
           {true, true, true, false, {"r1.a.example", "e1.a.example", "r1.p.example"}},
           {false, true, true, false, {"r1.p.example"}},
           {false, false, true, true, {}},
           {true, true, false, false, {}},
           {true, true, false, true, {"r1.p.example"}},
           {true, false, false, true, {}},
       }) {
    const PlanRequest request{.author_domain = has_author ? author : nullptr,
                              .platform_domain = has_platform ? platform : nullptr,
                              .own = own,
                              .platform_signs_foreign = asked};
    EXPECT_EQ(signers_of(make_plan(request)), expected);
  }
}

TEST(PlanTest, the_platform_does_not_sign_its_own_mail_twice) {
  const auto domain = domain_with("a.example", true, false);
  const auto same = domain_with("a.example", true, false);
  EXPECT_EQ(signers_of(make_plan({.author_domain = domain, .platform_domain = same})),
            std::vector<std::string>{"r1.a.example"});
  EXPECT_EQ(signers_of(make_plan({.author_domain = domain,
                                  .platform_domain = same,
                                  .own = false,
                                  .platform_signs_foreign = true})),
            std::vector<std::string>{"r1.a.example"});
}

TEST(PlanTest, a_canary_signs_its_share_instead_of_the_active_key_of_its_algorithm) {
  auto domain = std::make_shared<keys::SigningDomain>(
      keys::SigningDomain{.name = std::move(*Domain::parse("a.example")), .keys = {}});
  domain->keys.push_back({"r1", copy_of(rsa_key())});
  domain->keys.push_back({"e1", copy_of(ed25519_key())});
  domain->keys.push_back({"r2", copy_of(rsa_key()), 10});
  const auto signers = [&](unsigned lot) {
    return signers_of(make_plan({.author_domain = domain, .lot = lot}));
  };
  const std::vector<std::string> canary{"e1.a.example", "r2.a.example"};
  const std::vector<std::string> active{"r1.a.example", "e1.a.example"};
  EXPECT_EQ(signers(0), canary);
  EXPECT_EQ(signers(9), canary);
  EXPECT_EQ(signers(10), active);
  EXPECT_EQ(signers(99), active);
  EXPECT_EQ(signers(keys::kNoLot), active);
}

TEST(PlanTest, lots_of_queue_ids_are_even_however_the_messages_come) {
  for (const std::uint64_t step : {1U, 100U, 1000U, 1'000'000U}) {
    std::array<unsigned, 100> seen{};
    for (std::uint64_t i = 0; i < 100'000; ++i)
      ++seen.at(lot_of({1'795'000'000'000'000U + i * step}));
    EXPECT_GT(std::ranges::min(seen), 850U) << step;
    EXPECT_LT(std::ranges::max(seen), 1150U) << step;
  }
}

TEST(PlanTest, a_domain_that_names_its_profile_overrules_the_default) {
  auto standard = std::make_shared<keys::SigningDomain>(keys::SigningDomain{
      .name = std::move(*Domain::parse("a.example")), .keys = {}, .profile_given = true});
  standard->keys.push_back({"s", copy_of(ed25519_key())});
  const auto silent = domain_with("p.example", true, false);
  EXPECT_EQ(signers_of(make_plan({.author_domain = standard,
                                  .platform_domain = silent,
                                  .default_profile = keys::Profile::bulk})),
            (std::vector<std::string>{"s.a.example", "r1.p.example bulk"}));
}

TEST(PlanTest, keeps_the_life) {
  EXPECT_EQ(make_plan({.life = std::chrono::seconds(5)}).life, std::chrono::seconds(5));
}

TEST(SigningDomainForTest, takes_exactly_the_configured_parent) {
  const auto domain = [](std::string_view text) { return std::move(*Domain::parse(text)); };
  const std::map<Domain, Domain> parents{{domain("news.a.example"), domain("a.example")}};
  EXPECT_EQ(signing_domain_for(parents, domain("news.a.example")), domain("a.example"));
  EXPECT_EQ(signing_domain_for(parents, domain("x.news.a.example")), domain("x.news.a.example"));
  EXPECT_EQ(signing_domain_for(parents, domain("a.example")), domain("a.example"));
}

}  // namespace
}  // namespace signet::sign
