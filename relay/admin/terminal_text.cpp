#include "relay/admin/terminal_text.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "relay/admin/harmless_text.hpp"

namespace signet::admin {

using nlohmann::json;

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  return harmless(found->is_string() ? found->get<std::string>() : found->dump());
}

std::int64_t number_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<std::int64_t>() : 0;
}

void add_line(std::string& into, std::string_view name, const std::string& value) {
  if (!value.empty()) into += fmt::format("{:<12}  {}\n", name, value);
}

}  // namespace signet::admin
