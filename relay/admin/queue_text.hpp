// The answers of the queue API as tables for people.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace signet::admin {

/// Without what follows it.
[[nodiscard]] std::string list_text(const nlohmann::json& list);
[[nodiscard]] std::string message_text(const nlohmann::json& message);
[[nodiscard]] std::string suspensions_text(const nlohmann::json& suspensions);
/// " until TIME", or nothing for one without an end.
[[nodiscard]] std::string until_text(const nlohmann::json& suspension);
[[nodiscard]] std::string stats_text(const nlohmann::json& stats);

/// "45s", "12m", "3h", "5d"; "-" for less than nothing.
[[nodiscard]] std::string age_text(std::int64_t seconds);
/// "900 B", "4.4 KiB", "25.0 MiB".
[[nodiscard]] std::string size_text(std::uint64_t octets);

}  // namespace signet::admin
