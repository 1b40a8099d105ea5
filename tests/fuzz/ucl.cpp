// Settings in UCL. Held to: what is read is an object, and as JSON, which is a part of UCL, it
// reads the same again.
#include "keys/ucl.hpp"

#include <algorithm>

#include "tests/fuzz/require.hpp"

namespace signet::keys {
namespace {

using fuzz::require;
using nlohmann::json;

/// Whether JSON writes a text without \u, which UCL here does not read, and without replacing
/// octets.
bool is_plain_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= ' ' && c < 0x7f) || c == '\n' || c == '\t' || c == '\r' || c == '\b' || c == '\f';
  });
}

bool is_plain(const json& value) {
  if (value.is_string()) return is_plain_text(value.get_ref<const std::string&>());
  if (!value.is_structured()) return true;
  return std::ranges::all_of(value.items(), [](const auto& item) {
    return is_plain_text(item.key()) && is_plain(item.value());
  });
}

void check(std::string_view text) {
  const auto parsed = parse_ucl(text);
  if (!parsed) {
    require(parsed.error().fault == Fault::bad_parameter);
    require(parsed.error().detail.starts_with("line "));
    return;
  }
  require(parsed->is_object());
  if (!is_plain(*parsed)) return;
  const auto again = parse_ucl(parsed->dump());
  // "a b { }" takes one step of depth for two.
  if (again) require(*again == *parsed);
  if (!again) require(again.error().detail.ends_with("nested too deep"));
}

}  // namespace
}  // namespace signet::keys

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  signet::keys::check(signet::fuzz::as_text(octets, size));
  return 0;
}
