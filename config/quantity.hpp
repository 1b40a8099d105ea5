// Durations ("5m") and sizes ("25 MiB") as people write them. Nothing for anything else.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace signet::config {

/// A whole number and ms, s, m, h or d; at most 10 years.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// A whole number of octets and B, KiB, MiB, GiB or TiB, with or without a space.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace signet::config
