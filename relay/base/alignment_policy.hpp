// What to do with mail that its receivers would not find in alignment: the operator's choice.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace signet {

/// automatic: as the domain's published DMARC policy says.
enum class AlignmentPolicy { automatic, observe, tag, hold, refuse };

[[nodiscard]] constexpr std::string_view name_of(AlignmentPolicy policy) {
  constexpr std::array<std::string_view, 5> kNames{"auto", "observe", "tag", "hold", "refuse"};
  return kNames[static_cast<std::size_t>(policy)];
}

[[nodiscard]] constexpr std::optional<AlignmentPolicy> parse_alignment_policy(
    std::string_view name) {
  using enum AlignmentPolicy;
  for (const auto policy : {automatic, observe, tag, hold, refuse}) {
    if (name == name_of(policy)) return policy;
  }
  return std::nullopt;
}

}  // namespace signet
