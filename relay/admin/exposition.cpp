#include "relay/admin/exposition.hpp"

#include <charconv>
#include <optional>

namespace signet::admin {
namespace {

/// What is left of one line.
class Line {
 public:
  explicit Line(std::string_view text) : text_(text) {}

  std::string_view until(std::string_view ends) {
    const std::size_t end = std::min(text_.find_first_of(ends), text_.size());
    const std::string_view word = text_.substr(0, end);
    text_.remove_prefix(end);
    return word;
  }
  bool take(char expected) {
    if (!text_.starts_with(expected)) return false;
    text_.remove_prefix(1);
    return true;
  }
  /// Up to the closing quote, with \\, \" and \n put right.
  std::optional<std::string> quoted() {
    std::string value;
    if (!take('"')) return std::nullopt;
    while (!text_.empty()) {
      char octet = text_.front();
      text_.remove_prefix(1);
      if (octet == '"') return value;
      if (octet == '\\' && !text_.empty()) {
        octet = text_.front() == 'n' ? '\n' : text_.front();
        text_.remove_prefix(1);
      }
      value += octet;
    }
    return std::nullopt;
  }
  std::optional<double> number() const {
    double value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc{}) return std::nullopt;
    return value;
  }

 private:
  std::string_view text_;
};

std::optional<Sample> parse_line(std::string_view text) {
  Line line(text);
  Sample sample{.name = std::string(line.until("{ ")), .labels = {}};
  if (line.take('{')) {
    while (!line.take('}')) {
      std::string name(line.until("="));
      if (!line.take('=')) return std::nullopt;
      auto value = line.quoted();
      if (!value) return std::nullopt;
      sample.labels.emplace(std::move(name), std::move(*value));
      line.take(',');
    }
  }
  if (!line.take(' ')) return std::nullopt;
  const auto value = line.number();
  if (!value || sample.name.empty()) return std::nullopt;
  sample.value = *value;
  return sample;
}

}  // namespace

std::vector<Sample> parse_exposition(std::string_view text) {
  std::vector<Sample> samples;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    if (auto sample = parse_line(line)) samples.push_back(std::move(*sample));
  }
  return samples;
}

}  // namespace signet::admin
