// A TOML document as plain values with their positions (only document.cpp sees toml++).
//
// TOML 1.0 (toml.io). Dates and times are refused: no setting is one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace signet::config {

struct Position {
  unsigned line = 0;  ///< From 1; 0: the document as a whole.
  unsigned column = 0;
};

struct Value;
struct Entry;

using Array = std::vector<Value>;

struct Table {
  std::vector<Entry> entries;
  [[nodiscard]] const Entry* find(std::string_view key) const;
};

struct Value {
  Position where;
  std::variant<bool, std::int64_t, double, std::string, Array, Table> of;
};

struct Entry {
  std::string key;
  Position where;  ///< Of the key.
  Value value;
};

/// "a string", "an integer", …: for messages.
[[nodiscard]] std::string_view kind_of(const Value& value);

struct Parsed {
  Table root;
  Position error_at;
  std::string error;  ///< Empty: `root` holds the document.
};

[[nodiscard]] Parsed parse_document(std::string_view text);

}  // namespace signet::config
