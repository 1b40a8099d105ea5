// The text format of Prometheus (0.0.4), read: what /v1/metrics and /metrics serve.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace signet::admin {

struct Sample {
  std::string name;
  std::map<std::string, std::string, std::less<>> labels;
  double value = 0;
};

/// Comments, and lines that are not understood, are left out.
[[nodiscard]] std::vector<Sample> parse_exposition(std::string_view text);

}  // namespace signet::admin
