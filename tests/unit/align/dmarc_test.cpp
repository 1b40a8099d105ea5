#include "relay/align/dmarc.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/support/run_task.hpp"
#include "tests/unit/align/txt_zone.hpp"

namespace signet::align {
namespace {

using testing::ElementsAre;

Domain domain(const std::string& text) { return *Domain::parse(text); }

class TreeWalk : public testing::Test {
 protected:
  Walk walk_from(const std::string& start) {
    return test::run_task(loop_, walk(zone_, loop_, domain(start)));
  }
  std::string organization(const std::string& start) {
    return organizational_domain(walk_from(start)).value_or("unknown");
  }
  AppliedPolicy policy(const std::string& author, std::optional<bool> exists = true) {
    return applied_policy(walk_from(author), exists);
  }
  TxtZone& record(const std::string& name, const std::string& tags) {
    return zone_.txt("_dmarc." + name, "v=DMARC1; " + tags);
  }

  net::Loop loop_;
  TxtZone zone_;
};

// RFC 9989 4.10, the example.
TEST_F(TreeWalk, of_thirteen_labels_asks_the_eight_names_of_the_rfc) {
  walk_from("a.b.c.d.e.f.g.h.i.j.mail.example.com");
  EXPECT_THAT(zone_.asked(),
              ElementsAre("_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
                          "_dmarc.g.h.i.j.mail.example.com", "_dmarc.h.i.j.mail.example.com",
                          "_dmarc.i.j.mail.example.com", "_dmarc.j.mail.example.com",
                          "_dmarc.mail.example.com", "_dmarc.example.com", "_dmarc.com"));
}

TEST_F(TreeWalk, never_asks_more_than_eight) {
  std::string name = "example";
  for (int labels = 1; labels <= 120; ++labels) {
    const auto domains = walk_domains(name);
    EXPECT_EQ(domains.size(), std::min(labels, 8)) << labels;
    EXPECT_EQ(domains.back(), "example");
    name.insert(0, "a.");
  }
}

TEST_F(TreeWalk, stops_at_psd) {
  record("mail.example.com", "p=none; psd=n");
  walk_from("a.mail.example.com");
  EXPECT_THAT(zone_.asked(), ElementsAre("_dmarc.a.mail.example.com", "_dmarc.mail.example.com"));
}

// RFC 9989 4.10.2, the three examples.
TEST_F(TreeWalk, finds_the_organizational_domain_with_the_fewest_labels) {
  record("mail.example.com", "p=none");
  record("example.com", "p=none");
  EXPECT_EQ(organization("a.mail.example.com"), "example.com");
}
TEST_F(TreeWalk, finds_the_organizational_domain_at_psd_n) {
  record("mail.example.com", "p=none; psd=n");
  record("example.com", "p=none");
  EXPECT_EQ(organization("a.mail.example.com"), "mail.example.com");
}
TEST_F(TreeWalk, finds_the_organizational_domain_one_label_below_psd_y) {
  record("com", "p=none; psd=y");
  EXPECT_EQ(organization("a.mail.example.com"), "example.com");
  EXPECT_EQ(organization("example.com"), "example.com");
}

TEST_F(TreeWalk, psd_y_where_it_starts_is_no_suffix_of_itself) {
  record("bank", "p=reject; psd=y");
  EXPECT_EQ(organization("bank"), "bank");
}

TEST_F(TreeWalk, without_records_the_start_is_its_own_organization) {
  EXPECT_EQ(organization("a.mail.example.com"), "a.mail.example.com");
}

TEST_F(TreeWalk, jumps_over_records_of_long_names) {
  record("b.c.d.e.f.g.h.example.com", "p=reject");
  record("example.com", "p=none");
  const auto found = policy("a.b.c.d.e.f.g.h.example.com");
  EXPECT_EQ(found.domain, "example.com");
}

TEST_F(TreeWalk, an_error_makes_it_unknown) {
  record("example.com", "p=reject");
  zone_.fails("_dmarc.com");
  EXPECT_EQ(organization("example.com"), "unknown");
  EXPECT_EQ(policy("a.example.com").discovery, Discovery::unknown);
  // The Author Domain's own record needs nothing above it.
  EXPECT_EQ(policy("example.com").policy, DmarcPolicy::reject);
}

TEST_F(TreeWalk, its_ttl_is_the_least) {
  zone_.ttl = std::chrono::seconds(77);
  EXPECT_EQ(walk_from("example.com").ttl, std::chrono::seconds(77));
}

TEST_F(TreeWalk, a_name_too_long_for_the_prefix_has_no_record) {
  const std::string label(60, 'a');
  const auto found = walk_from(label + "." + label + "." + label + "." + label + ".example");
  EXPECT_FALSE(found.failed());
}

TEST_F(TreeWalk, applies_the_policy_of_the_author_domain_first) {
  record("a.example.com", "p=none");
  record("example.com", "p=reject; sp=quarantine");
  EXPECT_EQ(policy("a.example.com").policy, DmarcPolicy::none);
  EXPECT_EQ(policy("example.com").policy, DmarcPolicy::reject);
  const auto inherited = policy("b.example.com");
  EXPECT_EQ(inherited.policy, DmarcPolicy::quarantine);
  EXPECT_EQ(inherited.domain, "example.com");
}

// A75: sp for subdomains that exist, np for those that do not, each falling back to the next.
TEST_F(TreeWalk, chooses_between_p_sp_and_np) {
  struct Case {
    const char* tags;
    std::optional<bool> exists;
    Discovery discovery;
    DmarcPolicy policy;
  };
  using enum DmarcPolicy;
  constexpr auto kFound = Discovery::found;
  for (const Case& each : {
           Case{"p=reject", true, kFound, reject},
           Case{"p=reject", false, kFound, reject},
           Case{"p=reject; sp=none", true, kFound, none},
           Case{"p=reject; sp=none", false, kFound, none},
           Case{"p=none; np=reject", true, kFound, none},
           Case{"p=none; np=reject", false, kFound, reject},
           Case{"p=none; sp=quarantine; np=reject", true, kFound, quarantine},
           Case{"p=none; sp=quarantine; np=reject", false, kFound, reject},
           Case{"p=none; np=reject", std::nullopt, Discovery::unknown, none},
           Case{"p=reject; np=reject", std::nullopt, kFound, reject},
           Case{"p=reject; t=y", true, kFound, quarantine},
           Case{"p=quarantine; t=y", true, kFound, none},
           Case{"p=none; t=y", true, kFound, none},
           Case{"p=none; np=reject; t=y", false, kFound, quarantine},
           Case{"p=bogus", true, Discovery::no_record, none},
       }) {
    TxtZone zone;
    zone.txt("_dmarc.example.com", std::string("v=DMARC1; ") + each.tags);
    const auto made = test::run_task(loop_, walk(zone, loop_, domain("sub.example.com")));
    const auto found = applied_policy(made, each.exists);
    EXPECT_EQ(found.discovery, each.discovery) << each.tags;
    EXPECT_EQ(found.policy, each.policy) << each.tags;
  }
}

TEST_F(TreeWalk, applies_the_policy_of_the_public_suffix_where_the_organization_has_none) {
  record("bank", "p=reject; sp=quarantine; np=reject; psd=y");
  EXPECT_EQ(policy("mail.some.bank", true).policy, DmarcPolicy::quarantine);
  EXPECT_EQ(policy("mail.some.bank", false).policy, DmarcPolicy::reject);
  record("some.bank", "p=none");
  EXPECT_EQ(policy("mail.some.bank").policy, DmarcPolicy::none);
}

TEST_F(TreeWalk, two_records_are_none) {
  record("example.com", "p=reject");
  record("example.com", "p=none");
  EXPECT_EQ(policy("example.com").discovery, Discovery::no_record);
}

// A74: mode x where the identifier is.
TEST_F(TreeWalk, decides_alignment) {
  record("example.com", "p=reject");
  record("example.net", "p=reject");
  using enum Alignment;
  struct Case {
    const char* author;
    const char* identifier;
    Alignment relaxed;
    Alignment strict;
  };
  for (const Case& each : {
           Case{"example.com", "example.com", aligned, aligned},
           Case{"a.example.com", "example.com", aligned, unaligned},
           Case{"example.com", "b.example.com", aligned, unaligned},
           Case{"a.example.com", "b.c.example.com", aligned, unaligned},
           Case{"example.com", "example.net", unaligned, unaligned},
           Case{"example.com", "notexample.com", unaligned, unaligned},
           Case{"example.com", "com", unaligned, unaligned},
       }) {
    const Walk author = walk_from(each.author);
    const Walk identifier = walk_from(each.identifier);
    EXPECT_EQ(identifier_alignment(AlignmentMode::relaxed, author, identifier), each.relaxed)
        << each.author << " " << each.identifier;
    EXPECT_EQ(identifier_alignment(AlignmentMode::strict, author, identifier), each.strict)
        << each.author << " " << each.identifier;
  }
}

TEST_F(TreeWalk, alignment_is_unknown_after_an_error_unless_it_needs_no_walk) {
  record("example.com", "p=reject");
  zone_.fails("_dmarc.com");
  const Walk author = walk_from("example.com");
  const Walk below = walk_from("a.example.com");
  EXPECT_EQ(identifier_alignment(AlignmentMode::relaxed, author, author), Alignment::aligned);
  EXPECT_EQ(identifier_alignment(AlignmentMode::relaxed, author, below), Alignment::unknown);
  EXPECT_EQ(identifier_alignment(AlignmentMode::strict, author, below), Alignment::unaligned);
}

// A77: a company that calls its department an organization of its own.
TEST_F(TreeWalk, the_public_suffix_list_sees_another_organization) {
  const PublicSuffixes suffixes;
  EXPECT_EQ(suffixes.organizational_domain("a.b.example.com"), "example.com");
  EXPECT_EQ(suffixes.organizational_domain("a.example.co.uk"), "example.co.uk");
  EXPECT_EQ(suffixes.organizational_domain("com"), "com");
  record("example.com", "p=reject");
  record("dept.example.com", "p=none; psd=n");
  const Walk author = walk_from("dept.example.com");
  const Walk identifier = walk_from("example.com");
  EXPECT_EQ(identifier_alignment(AlignmentMode::relaxed, author, identifier), Alignment::unaligned);
  EXPECT_EQ(identifier_alignment_by_list(AlignmentMode::relaxed, suffixes, "dept.example.com",
                                         "example.com"),
            Alignment::aligned);
}

TEST_F(TreeWalk, in_the_other_world_the_policy_is_that_of_the_registrable_domain) {
  record("example.com", "p=none; sp=quarantine; np=reject; t=y");
  const Walk author = walk_from("a.example.com");
  const auto* top = step_at(author, "example.com");
  ASSERT_NE(top, nullptr);
  EXPECT_EQ(applied_policy_by_list(author, top->domain, top->record).policy,
            DmarcPolicy::quarantine);
  EXPECT_EQ(applied_policy_by_list(author, "com", std::nullopt).discovery, Discovery::no_record);
}

}  // namespace
}  // namespace signet::align
