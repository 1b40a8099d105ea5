#include "monitoring/metric_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>

namespace signet::monitoring {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

template <typename... How>
void append_chars(std::string& out, How... how) {
  std::array<char, 32> text;
  out.append(text.data(), std::to_chars(text.begin(), text.end(), how...).ptr);
}

void append_number(std::string& out, std::uint64_t value) { append_chars(out, value); }

void append_number(std::string& out, double value) {
  constexpr int kDigits = 16;
  constexpr double kWhole = 1e15;  // Fewer digits than kDigits: written without an exponent.
  if (value >= 0 && value < kWhole && std::trunc(value) == value && !std::signbit(value))
    return append_chars(out, static_cast<std::int64_t>(value));
  if (std::isfinite(value)) return append_chars(out, value, std::chars_format::general, kDigits);
  if (std::isnan(value)) out += "Nan";
  if (std::isinf(value)) out += value > 0 ? "+Inf" : "-Inf";
}

bool is_special(char c) { return c == '\\' || c == '"' || c == '\n'; }

void append_escaped(std::string& out, std::string_view text) {
  if (std::ranges::none_of(text, is_special)) {  // As good as always.
    out += text;
    return;
  }
  for (const char c : text) {
    if (is_special(c)) out += '\\';
    out += c == '\n' ? 'n' : c;
  }
}

class Writer {
 public:
  explicit Writer(const MetricFamily& family) : family_(family) {}

  void append_to(std::string& out) const {
    if (!family_.help.empty())
      out.append("# HELP ").append(family_.name).append(" ").append(family_.help).append("\n");
    out.append("# TYPE ").append(family_.name).append(" ").append(type()).append("\n");
    for (const ClientMetric& metric : family_.metric) append(out, metric);
  }

 private:
  [[nodiscard]] std::string_view type() const {
    if (family_.type == MetricType::Counter) return "counter";
    if (family_.type == MetricType::Gauge) return "gauge";
    if (family_.type == MetricType::Histogram) return "histogram";
    std::abort();
  }

  void append(std::string& out, const ClientMetric& metric) const {
    if (family_.type == MetricType::Counter) return line(out, metric, metric.counter.value);
    if (family_.type == MetricType::Gauge) return line(out, metric, metric.gauge.value);
    const auto& histogram = metric.histogram;
    line(out, metric, histogram.sample_count, "_count");
    line(out, metric, histogram.sample_sum, "_sum");
    for (const auto& bucket : histogram.bucket)
      line(out, metric, bucket.cumulative_count, "_bucket", &bucket.upper_bound);
  }

  template <typename Number>
  void line(std::string& out, const ClientMetric& metric, Number value,
            std::string_view suffix = {}, const double* bound = nullptr) const {
    out.append(family_.name).append(suffix);
    char before = '{';
    for (const auto& label : metric.label) {
      out += before;
      out.append(label.name).append("=\"");
      append_escaped(out, label.value);
      out += '"';
      before = ',';
    }
    if (bound != nullptr) {
      out += before;
      out += "le=\"";
      append_number(out, *bound);
      out += '"';
    }
    if (bound != nullptr || !metric.label.empty()) out += '}';
    out += ' ';
    append_number(out, value);
    out += '\n';
  }

  const MetricFamily& family_;
};

}  // namespace

std::string to_text(const std::vector<MetricFamily>& families) {
  std::string text;
  for (const MetricFamily& family : families) Writer(family).append_to(text);
  return text;
}

}  // namespace signet::monitoring
