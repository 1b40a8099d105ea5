#include "config/document.hpp"

#include <array>

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace signet::config {
namespace {

Position position_of(const toml::source_region& source) {
  return {source.begin.line, source.begin.column};
}

/// Copies toml++'s tree into ours; notes the first value of a type that no setting has.
class Copier {
 public:
  explicit Copier(Parsed& into) : into_(into) {}

  Table table(const toml::table& from) {
    Table result;
    for (const auto& [key, node] : from) {
      result.entries.push_back({std::string(key.str()), position_of(key.source()), value(node)});
    }
    return result;
  }

 private:
  Value value(const toml::node& from) {
    const Position where = position_of(from.source());
    if (const auto* table_node = from.as_table()) return {where, table(*table_node)};
    if (const auto* array_node = from.as_array()) return {where, array(*array_node)};
    if (const auto* text = from.as_string()) return {where, text->get()};
    if (const auto* integer = from.as_integer()) return {where, integer->get()};
    if (const auto* number = from.as_floating_point()) return {where, number->get()};
    if (const auto* flag = from.as_boolean()) return {where, flag->get()};
    if (into_.error.empty()) {
      into_.error = "no setting is a date or time: write a duration as text, such as \"5m\"";
      into_.error_at = where;
    }
    return {where, false};
  }

  Array array(const toml::array& from) {
    Array result;
    for (const auto& node : from) result.push_back(value(node));
    return result;
  }

  Parsed& into_;
};

}  // namespace

const Entry* Table::find(std::string_view key) const {
  for (const Entry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

std::string_view kind_of(const Value& value) {
  constexpr std::array<std::string_view, 6> kKinds{"a boolean", "an integer", "a number",
                                                   "a string",  "an array",   "a table"};
  return kKinds[value.of.index()];
}

Parsed parse_document(std::string_view text) {
  Parsed parsed;
  const toml::parse_result result = toml::parse(text);
  if (!result) {
    parsed.error = result.error().description();
    parsed.error_at = position_of(result.error().source());
    return parsed;
  }
  parsed.root = Copier(parsed).table(result.table());
  return parsed;
}

}  // namespace signet::config
