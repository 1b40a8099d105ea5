#include "relay/deliver/allowance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace signet::deliver {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Domain> at(std::initializer_list<const char*> names) {
  std::vector<Domain> domains;
  for (const char* name : names) domains.push_back(*Domain::parse(name));
  return domains;
}

TEST(Allowance, without_limits_all_go_every_time) {
  Allowance allowance({});
  for (int i = 0; i < 1000; ++i)
    EXPECT_THAT(allowance.admit(at({"a.example", "b.example"})), ElementsAre(0U, 1U));
}

TEST(Allowance, mailmax_ends_the_session) {
  Allowance allowance({.transactions = 2});
  EXPECT_THAT(allowance.admit(at({"a.example"})), ElementsAre(0U));
  EXPECT_THAT(allowance.admit(at({"a.example"})), ElementsAre(0U));
  EXPECT_THAT(allowance.admit(at({"a.example"})), IsEmpty());
}

TEST(Allowance, rcptmax_cuts_a_transaction) {
  Allowance allowance({.recipients = 2});
  EXPECT_THAT(allowance.admit(at({"a.example", "a.example", "a.example"})), ElementsAre(0U, 1U));
  EXPECT_THAT(allowance.admit(at({"a.example"})), ElementsAre(0U));
}

TEST(Allowance, rcptdomainmax_holds_for_the_session) {
  Allowance allowance({.recipient_domains = 1});
  EXPECT_THAT(allowance.admit(at({"a.example", "b.example", "a.example"})), ElementsAre(0U, 2U));
  EXPECT_THAT(allowance.admit(at({"b.example"})), IsEmpty());
  EXPECT_THAT(allowance.admit(at({"b.example", "a.example"})), ElementsAre(1U));
}

TEST(Allowance, a_transaction_that_does_not_begin_is_not_counted) {
  Allowance allowance({.transactions = 2, .recipient_domains = 1});
  EXPECT_THAT(allowance.admit(at({"a.example"})), ElementsAre(0U));
  EXPECT_THAT(allowance.admit(at({"b.example"})), IsEmpty());
  EXPECT_THAT(allowance.admit(at({"a.example"})), ElementsAre(0U));
}

}  // namespace
}  // namespace signet::deliver
