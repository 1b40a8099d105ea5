// Text that others chose and people will read on a terminal: without the characters that steer one
// (C0 and C1 controls, ECMA-48) or turn the order of what stands beside them (Unicode TR 9).
#pragma once

#include <string>
#include <string_view>

namespace signet::admin {

/// Lines are no harm where `has_lines`. False also for what is not UTF-8.
[[nodiscard]] bool is_harmless(std::string_view text, bool has_lines = false);
/// With a "?" for each character that is not.
[[nodiscard]] std::string harmless(std::string_view text);

}  // namespace signet::admin
