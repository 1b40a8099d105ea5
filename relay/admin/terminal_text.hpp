// Values of JSON answers as text for a terminal.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace signet::admin {

/// A member as text, empty when absent. Control characters can't reach the terminal.
[[nodiscard]] std::string text_of(const nlohmann::json& object, const char* key);
/// 0 when absent or no number.
[[nodiscard]] std::int64_t number_of(const nlohmann::json& object, const char* key);
/// "name          value" and LF; nothing for an empty value.
void add_line(std::string& into, std::string_view name, const std::string& value);

}  // namespace signet::admin
