#include "monitoring/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "monitoring/metric_families.hpp"

namespace signet::monitoring {
namespace {

using std::chrono::microseconds;
using ::testing::HasSubstr;
using ::testing::Not;

/// The value of a series, written as in the exposition; "absent" when there is none.
std::string value_of(const Metrics& metrics, const std::string& series) {
  std::istringstream lines(metrics.expose());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(series + " ")) return line.substr(series.size() + 1);
  }
  return "absent";
}

TEST(MetricsTest, names_follow_the_conventions_of_prometheus) {
  std::set<std::string> names;
  for (const FamilyRow& row : kFamilies) {
    const std::string name = row.name;
    EXPECT_TRUE(name.starts_with("signet_") || name.starts_with("process_")) << name;
    EXPECT_EQ(row.kind == Kind::counter, name.ends_with("_total")) << name;
    if (row.kind == Kind::histogram)
      EXPECT_TRUE(name.ends_with("_seconds") || name.ends_with("_messages")) << name;
    EXPECT_TRUE(std::string(row.help).ends_with(".")) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

TEST(MetricsTest, counts_messages_by_client_and_cause) {
  Metrics metrics;
  metrics.allow(Metrics::Label::client, "apps");
  metrics.message_accepted("apps", 1000);
  metrics.message_accepted("apps", 24);
  metrics.message_refused("apps", Fault::author_missing);
  EXPECT_EQ(value_of(metrics, R"(signet_messages_accepted_total{client="apps"})"), "2");
  EXPECT_EQ(value_of(metrics, R"(signet_message_bytes_total{client="apps"})"), "1024");
  EXPECT_EQ(
      value_of(metrics, R"(signet_messages_refused_total{cause="author_missing",client="apps"})"),
      "1");
}

TEST(MetricsTest, label_values_nobody_configured_become_other) {
  Metrics metrics;
  metrics.allow(Metrics::Label::domain, "example.com");
  metrics.signature_made("example.com", "rsa-sha256");
  metrics.signature_made("evil.example", "rsa-sha256");
  metrics.signature_made("worse.example", "rsa-sha256");
  EXPECT_EQ(
      value_of(metrics, R"(signet_signatures_total{algorithm="rsa-sha256",domain="example.com"})"),
      "1");
  EXPECT_EQ(value_of(metrics, R"(signet_signatures_total{algorithm="rsa-sha256",domain="other"})"),
            "2");
  EXPECT_THAT(metrics.expose(), Not(HasSubstr("evil.example")));
}

TEST(MetricsTest, a_value_allowed_later_gets_its_own_series) {
  Metrics metrics;
  metrics.message_accepted("late", 1);
  metrics.allow(Metrics::Label::client, "late");
  metrics.message_accepted("late", 1);
  EXPECT_EQ(value_of(metrics, R"(signet_messages_accepted_total{client="other"})"), "1");
  EXPECT_EQ(value_of(metrics, R"(signet_messages_accepted_total{client="late"})"), "1");
}

TEST(MetricsTest, an_audited_domain_has_gauges_until_it_is_forgotten) {
  Metrics metrics;
  const auto series = [](const std::string& domain) {
    return R"(signet_audit_check{check="spf",domain=")" + domain + R"("})";
  };
  for (const char* domain : {"example.com", "example.com.test"}) {
    metrics.allow(Metrics::Label::domain, domain);
    metrics.audit_check(domain, "spf", 0);
  }
  metrics.audit_check("stored.example", "spf", 0);
  EXPECT_EQ(value_of(metrics, series("example.com")), "0");
  EXPECT_EQ(value_of(metrics, series("other")), "absent");
  metrics.audit_forgotten("example.com");
  EXPECT_EQ(value_of(metrics, series("example.com")), "absent");
  EXPECT_EQ(value_of(metrics, series("example.com.test")), "0");
  metrics.audit_check("example.com", "spf", -1);
  EXPECT_EQ(value_of(metrics, series("example.com")), "-1");
}

TEST(MetricsTest, audited_domains_beyond_the_table_of_series_have_no_gauge) {
  Metrics metrics;
  for (int i = 0; i < 10001; ++i) {
    const std::string domain = "d" + std::to_string(i) + ".example";
    if (i < 9999 || i == 10000) metrics.allow(Metrics::Label::domain, domain);
    metrics.audit_check(domain, "spf", 1);
    metrics.audit_check(domain, "dkim", 1);
  }
  EXPECT_THAT(metrics.expose(), Not(HasSubstr(R"(signet_audit_check{check="spf",domain="other")")));
  metrics.audit_check("d0.example", "spf", 0);
  EXPECT_EQ(value_of(metrics, R"(signet_audit_check{check="spf",domain="d0.example"})"), "0");
}

TEST(MetricsTest, an_empty_label_value_is_counted_as_none) {
  Metrics metrics;
  metrics.message_refused("", Fault::client_unknown);
  EXPECT_EQ(
      value_of(metrics, R"(signet_messages_refused_total{cause="client_unknown",client="none"})"),
      "1");
}

TEST(MetricsTest, words_of_a_peer_never_become_a_label) {
  struct Case {
    std::string reply;
    std::string expected;
  };
  const std::vector<Case> cases{
      {"250 2.0.0 Ok", "2xx"}, {"4xx", "4xx"},  {"550 <a@b> unknown", "5xx"},
      {"timeout", "timeout"},  {"", "none"},    {"<script>", "other"},
      {"tls", "tls"},          {"901", "other"}};
  for (const Case& c : cases) {
    Metrics metrics;
    metrics.allow(Metrics::Label::route, "default");
    metrics.allow(Metrics::Label::pool, "default");
    metrics.attempt("default", "default", AttemptResult::deferred, c.reply, true);
    EXPECT_EQ(
        value_of(metrics, R"(signet_delivery_attempts_total{pool="default",reply=")" + c.expected +
                              R"(",result="deferred",route="default",tls="yes"})"),
        "1")
        << c.reply;
  }
}

TEST(MetricsTest, series_without_labels_are_there_before_their_first_event) {
  const Metrics metrics;
  EXPECT_EQ(value_of(metrics, "signet_dsn_dropped_total"), "0");
  EXPECT_EQ(value_of(metrics, "signet_spool_broken"), "0");
  EXPECT_EQ(value_of(metrics, "signet_reload_successful"), "1");
  EXPECT_EQ(value_of(metrics, R"(signet_build_info{version=")" SIGNET_VERSION R"("})"), "1");
}

TEST(MetricsTest, durations_are_seconds_in_buckets_from_10_us_to_10_s) {
  Metrics metrics;
  metrics.stage_took(Stage::sign, microseconds(300));
  metrics.stage_took(Stage::sign, microseconds(20'000'000));
  const std::string bucket = R"(signet_stage_duration_seconds_bucket{stage="sign",le=")";
  EXPECT_EQ(value_of(metrics, bucket + "1e-05\"}"), "0");
  EXPECT_EQ(value_of(metrics, bucket + "0.0005\"}"), "1");
  EXPECT_EQ(value_of(metrics, bucket + "10\"}"), "1");
  EXPECT_EQ(value_of(metrics, bucket + "+Inf\"}"), "2");
}

TEST(MetricsTest, commits_count_groups_messages_and_time) {
  Metrics metrics;
  metrics.commit(64, microseconds(1000));
  metrics.commit(1, microseconds(1000));
  EXPECT_EQ(value_of(metrics, "signet_spool_commits_total"), "2");
  EXPECT_EQ(value_of(metrics, "signet_spool_committed_messages_total"), "65");
  EXPECT_EQ(value_of(metrics, "signet_spool_commit_duration_seconds_count"), "2");
  EXPECT_EQ(value_of(metrics, R"(signet_spool_commit_messages_bucket{le="1"})"), "1");
  EXPECT_EQ(value_of(metrics, R"(signet_spool_commit_messages_bucket{le="64"})"), "2");
}

TEST(MetricsTest, gauges_follow_what_they_measure) {
  Metrics metrics;
  metrics.connection_opened("smtp");
  metrics.connection_opened("smtp");
  metrics.connection_closed();
  metrics.outbound_connection(3);
  metrics.outbound_connection(-1);
  metrics.reload(false);
  metrics.held("dmarc", 7);
  metrics.held("dmarc", 2);
  metrics.certificate_expires("smtp", 1'800'000'000);
  EXPECT_EQ(value_of(metrics, "signet_connections_open"), "1");
  EXPECT_EQ(value_of(metrics, "signet_outbound_connections_open"), "2");
  EXPECT_EQ(value_of(metrics, "signet_reload_successful"), "0");
  EXPECT_EQ(value_of(metrics, R"(signet_held_messages{reason="dmarc"})"), "2");
  EXPECT_EQ(value_of(metrics, R"(signet_certificate_expiry_timestamp_seconds{listener="smtp"})"),
            "1800000000");
}

TEST(MetricsTest, scraped_values_are_read_at_each_exposition) {
  Metrics metrics;
  double depth = 5;
  metrics.on_scrape(Family::queue_messages, [&] { return depth; });
  EXPECT_EQ(value_of(metrics, "signet_queue_messages"), "5");
  depth = 4;
  EXPECT_EQ(value_of(metrics, "signet_queue_messages"), "4");
}

TEST(MetricsTest, a_scraped_counter_never_falls) {
  Metrics metrics;
  double dropped = 5;
  metrics.on_scrape(Family::log_lines_dropped, [&] { return dropped; });
  EXPECT_EQ(value_of(metrics, "signet_log_lines_dropped_total"), "5");
  dropped = 7;
  EXPECT_EQ(value_of(metrics, "signet_log_lines_dropped_total"), "7");
  dropped = 6;
  EXPECT_EQ(value_of(metrics, "signet_log_lines_dropped_total"), "7");
}

TEST(MetricsTest, a_gauge_registered_again_is_read_from_its_new_source) {
  Metrics metrics;
  metrics.on_scrape(Family::queue_messages, [] { return 1.0; });
  metrics.on_scrape(Family::queue_messages, [] { return 2.0; });
  EXPECT_EQ(value_of(metrics, "signet_queue_messages"), "2");
}

TEST(MetricsTest, facts_that_become_other_are_counted_by_label) {
  Metrics metrics;
  metrics.allow(Metrics::Label::domain, "example.com");
  metrics.signature_made("example.com", "rsa-sha256");
  EXPECT_EQ(value_of(metrics, R"(signet_label_values_other_total{label="domain"})"), "0");
  for (int i = 0; i < 3; ++i) metrics.signature_made("evil.example", "rsa-sha256");
  metrics.message_accepted("", 1);
  EXPECT_EQ(value_of(metrics, R"(signet_label_values_other_total{label="domain"})"), "3");
  EXPECT_EQ(value_of(metrics, R"(signet_label_values_other_total{label="client"})"), "0");
}

TEST(MetricsTest, the_last_spf_result_that_is_known_is_a_gauge) {
  Metrics metrics;
  metrics.allow(Metrics::Label::domain, "example.com");
  metrics.allow(Metrics::Label::egress, "192.0.2.1");
  const std::string gauge = R"(signet_spf_egress_pass{domain="example.com",egress="192.0.2.1"})";
  metrics.spf_result("example.com", "192.0.2.1", "temperror", 1);
  EXPECT_EQ(value_of(metrics, gauge), "absent");
  metrics.spf_result("example.com", "192.0.2.1", "softfail", 1);
  EXPECT_EQ(value_of(metrics, gauge), "0");
  metrics.spf_result("example.com", "192.0.2.1", "pass", 1);
  metrics.spf_result("example.com", "192.0.2.1", "temperror", 1);
  EXPECT_EQ(value_of(metrics, gauge), "1");
}

TEST(MetricsTest, spf_of_a_domain_or_address_that_is_not_ours_has_no_gauge) {
  Metrics metrics;
  metrics.allow(Metrics::Label::domain, "example.com");
  metrics.allow(Metrics::Label::egress, "192.0.2.1");
  metrics.spf_result("mx1.example.com", "192.0.2.1", "none", 1);
  metrics.spf_result("example.com", "203.0.113.1", "fail", 2);
  EXPECT_THAT(metrics.expose(), Not(HasSubstr("signet_spf_egress_pass{")));
  EXPECT_EQ(value_of(metrics, R"(signet_spf_lookups{domain="other"})"), "absent");
  EXPECT_EQ(value_of(metrics, R"(signet_spf_lookups{domain="example.com"})"), "2");
  EXPECT_EQ(
      value_of(metrics,
               R"(signet_spf_results_total{domain="other",egress="192.0.2.1",result="none"})"),
      "1");
}

TEST(MetricsTest, gauges_of_what_is_forgotten_go_and_do_not_come_back) {
  Metrics metrics;
  const auto pass = [](const std::string& domain, const std::string& egress) {
    return R"(signet_spf_egress_pass{domain=")" + domain + R"(",egress=")" + egress + R"("})";
  };
  const auto judge_all = [&] {
    for (const char* domain : {"example.com", "example.net"}) {
      for (const char* egress : {"192.0.2.1", "192.0.2.2"})
        metrics.spf_result(domain, egress, "fail", 1);
      metrics.domain_keys(domain, "active", 1);
      metrics.audit_check(domain, "spf", 0);
    }
  };
  for (const char* domain : {"example.com", "example.net"})
    metrics.allow(Metrics::Label::domain, domain);
  for (const char* egress : {"192.0.2.1", "192.0.2.2"})
    metrics.allow(Metrics::Label::egress, egress);
  judge_all();
  metrics.forget(Metrics::Label::egress, "192.0.2.2");
  metrics.forget(Metrics::Label::domain, "example.net");
  for (int round = 0; round < 2; ++round, judge_all()) {  // An answer may come late.
    EXPECT_EQ(value_of(metrics, pass("example.com", "192.0.2.1")), "0");
    EXPECT_EQ(value_of(metrics, pass("example.com", "192.0.2.2")), "absent");
    EXPECT_EQ(value_of(metrics, pass("example.net", "192.0.2.1")), "absent");
    EXPECT_EQ(value_of(metrics, R"(signet_spf_lookups{domain="example.net"})"), "absent");
    EXPECT_EQ(value_of(metrics, R"(signet_audit_check{check="spf",domain="example.net"})"),
              "absent");
    EXPECT_EQ(value_of(metrics, R"(signet_domain_keys{domain="example.net",state="active"})"),
              "absent");
    EXPECT_EQ(value_of(metrics, R"(signet_domain_keys{domain="example.com",state="active"})"), "1");
  }
  metrics.allow(Metrics::Label::egress, "192.0.2.2");
  judge_all();
  EXPECT_EQ(value_of(metrics, pass("example.com", "192.0.2.2")), "0");
}

TEST(MetricsTest, gauges_may_be_forgotten_while_they_are_set) {
  Metrics metrics;
  metrics.allow(Metrics::Label::domain, "example.com");
  std::jthread setting([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) metrics.domain_keys("example.com", "active", 1);
  });
  for (int i = 0; i < 5000; ++i) {
    metrics.forget(Metrics::Label::domain, "example.com");
    metrics.allow(Metrics::Label::domain, "example.com");
  }
  setting.request_stop();
  setting.join();
  EXPECT_EQ(value_of(metrics, R"(signet_domain_keys{domain="other",state="active"})"), "absent");
  metrics.domain_keys("example.com", "active", 1);
  EXPECT_EQ(value_of(metrics, R"(signet_domain_keys{domain="example.com",state="active"})"), "1");
}

TEST(MetricsTest, a_configuration_that_fails_to_load_is_no_new_generation) {
  Metrics metrics;
  metrics.configuration_read(true, 1'800'000'000);
  metrics.configuration_read(false, 1'800'000'060);
  EXPECT_EQ(value_of(metrics, "signet_configuration_generation"), "1");
  EXPECT_EQ(value_of(metrics, "signet_reload_timestamp_seconds"), "1800000060");
}

TEST(MetricsTest, a_full_table_counts_as_other_and_says_so) {
  Metrics metrics;
  for (int i = 0; i < 10'050; ++i) metrics.limit_hit("limit" + std::to_string(i));
  EXPECT_EQ(value_of(metrics, R"(signet_limit_hits_total{limit="other"})"), "50");
  EXPECT_EQ(value_of(metrics, "signet_series_dropped_total"), "50");
  EXPECT_EQ(value_of(metrics, R"(signet_limit_hits_total{limit="limit10049"})"), "absent");
}

TEST(MetricsTest, facts_from_many_threads_are_all_counted) {
  Metrics metrics;
  metrics.allow(Metrics::Label::client, "apps");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&metrics, t] {
      for (int i = 0; i < 500; ++i) {
        metrics.message_accepted("apps", 1);
        metrics.limit_hit("limit" + std::to_string((t * 500 + i) % 700));
      }
    });
  }
  for (int i = 0; i < 5; ++i) EXPECT_THAT(metrics.expose(), HasSubstr("signet_build_info"));
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(value_of(metrics, R"(signet_messages_accepted_total{client="apps"})"), "2000");
  EXPECT_EQ(value_of(metrics, R"(signet_limit_hits_total{limit="limit0"})"), "3");
}

}  // namespace
}  // namespace signet::monitoring
