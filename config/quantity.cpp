#include "config/quantity.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace signet::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 5> kTimes{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 5> kSizes{{{"B", 1},
                                      {"KiB", 1ULL << 10U},
                                      {"MiB", 1ULL << 20U},
                                      {"GiB", 1ULL << 30U},
                                      {"TiB", 1ULL << 40U}}};
constexpr std::uint64_t kMaxDuration = 10ULL * 365 * 86'400'000;

/// number [SP] unit
std::optional<std::uint64_t> parse(std::string_view text, const std::array<Unit, 5>& units,
                                   std::uint64_t max) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  for (const Unit& unit : units) {
    if (unit.name != text) continue;
    if (number > max / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto value = parse(text, kTimes, kMaxDuration);
  if (!value) return std::nullopt;
  return std::chrono::milliseconds(*value);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse(text, kSizes, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
}

}  // namespace signet::config
