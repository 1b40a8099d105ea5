#include "monitoring/metric_text.hpp"

#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <limits>

namespace signet::monitoring {
namespace {

std::string by_the_library(const prometheus::Registry& registry) {
  return prometheus::TextSerializer{}.Serialize(registry.Collect());
}

TEST(MetricTextTest, is_what_the_library_writes) {
  prometheus::Registry registry;
  auto& counters = prometheus::BuildCounter().Name("a_total").Help("Some help.").Register(registry);
  counters.Add({}).Increment();
  counters.Add({{"domain", "example.com"}}).Increment(1e6);
  counters.Add({{"domain", "b.example"}, {"reason", R"(a "quoted" \ word)"}}).Increment(0.1);
  counters.Add({{"domain", "two\nlines"}, {"reason", ""}}).Increment(123456789.0123456789);
  auto& gauges = prometheus::BuildGauge().Name("b").Register(registry);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  int number = 0;
  for (const double value : {0.0, -0.0, -1.5, 1.0 / 3, 1764355455.25, 1e15, 1e16, 1e17, 1e21,
                             5e-324, std::numeric_limits<double>::max(), kInfinity, -kInfinity,
                             std::numeric_limits<double>::quiet_NaN()})
    gauges.Add({{"n", std::to_string(number++)}}).Set(value);
  auto& histograms =
      prometheus::BuildHistogram().Name("c_seconds").Help("Long.").Register(registry);
  const prometheus::Histogram::BucketBoundaries bounds{0.0001, 0.25, 1, 1e7};
  auto& plain = histograms.Add({}, bounds);
  auto& labelled = histograms.Add({{"stage", "sign"}}, bounds);
  for (const double value : {0.00005, 0.2, 0.3, 2.0, 1e9}) {
    plain.Observe(value);
    labelled.Observe(value / 3);
  }
  prometheus::BuildCounter().Name("empty_total").Help("No series.").Register(registry);
  EXPECT_EQ(to_text(registry.Collect()), by_the_library(registry));
  EXPECT_GT(to_text(registry.Collect()).size(), 1000U);
}

}  // namespace
}  // namespace signet::monitoring
