#include "relay/held_mail.hpp"

#include <gtest/gtest.h>

namespace signet {
namespace {

spool::Record record_of(const std::string& author_domain, std::uint64_t body_size) {
  spool::Record record;
  record.author_domain = author_domain;
  record.body_size = body_size;
  return record;
}

config::Limits limits_of(std::uint64_t messages, std::uint64_t bytes) {
  config::Limits limits;
  limits.held_messages_per_domain = messages;
  limits.held_bytes_per_domain = bytes;
  return limits;
}

TEST(HeldMailTest, has_room_until_a_domain_holds_its_number_of_messages) {
  monitoring::Metrics metrics;
  HeldMail held(metrics);
  const auto limits = limits_of(2, 1000);
  held.changed(record_of("example.com", 10), "", "operator: look");
  EXPECT_TRUE(held.check_room("example.com", limits));
  held.changed(record_of("example.com", 10), "", "no_active_key: gone");
  const auto full = held.check_room("example.com", limits);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().fault, Fault::held_mail_full);
  EXPECT_TRUE(held.check_room("example.net", limits));
}

TEST(HeldMailTest, has_room_until_a_domain_holds_its_octets) {
  monitoring::Metrics metrics;
  HeldMail held(metrics);
  held.changed(record_of("example.com", 999), "", "operator");
  EXPECT_TRUE(held.check_room("example.com", limits_of(100, 1000)));
  held.changed(record_of("example.com", 1), "", "operator");
  EXPECT_FALSE(held.check_room("example.com", limits_of(100, 1000)));
}

TEST(HeldMailTest, gives_room_back_and_shows_each_reason_as_a_gauge) {
  monitoring::Metrics metrics;
  HeldMail held(metrics);
  const auto record = record_of("example.com", 10);
  held.changed(record, "", "operator: a");
  held.changed(record, "", "operator: b");
  held.changed(record, "operator: a", "");
  EXPECT_TRUE(held.check_room("example.com", limits_of(2, 1000)));
  EXPECT_NE(metrics.expose().find("signet_held_messages{reason=\"operator\"} 1\n"),
            std::string::npos);
}

TEST(HeldMailTest, another_reason_is_another_gauge_and_takes_no_more_room) {
  monitoring::Metrics metrics;
  HeldMail held(metrics);
  const auto record = record_of("example.com", 10);
  held.changed(record, "", "not_aligned: x");
  held.changed(record, "not_aligned: x", "no_active_key: y");
  held.changed(record, "no_active_key: y", "no_active_key: y");
  EXPECT_TRUE(held.check_room("example.com", limits_of(2, 1000)));
  const std::string told = metrics.expose();
  EXPECT_NE(told.find("signet_held_messages{reason=\"not_aligned\"} 0\n"), std::string::npos);
  EXPECT_NE(told.find("signet_held_messages{reason=\"no_active_key\"} 1\n"), std::string::npos);
}

}  // namespace
}  // namespace signet
