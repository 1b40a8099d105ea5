// Section: one table of the document while it is read; knows which of its keys were asked for.
//
// Each reading function fills `into` when the key is there and right, leaves it alone when the key
// is absent, and tells the Reading what is wrong otherwise. Keys nobody asked for are refused at
// the end, with the nearest known one.
#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/reading.hpp"

namespace signet::config {

class Section {
 public:
  using Visit = std::function<void(Section&)>;
  using VisitText = std::function<void(const std::string&, Position)>;
  using VisitEntry = std::function<void(const Entry&)>;

  /// `path`: "listen", empty for the document. `title`: as messages name it, such as "[[listen]]".
  Section(Reading& reading, const Table& table, Position where, std::string path,
          std::string title);

  [[nodiscard]] Reading& reading() { return reading_; }
  /// Of the key's value; of the section itself when the key is absent.
  [[nodiscard]] Position where(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const { return table_.find(key) != nullptr; }
  /// The value as it is, null when absent; the key counts as known.
  const Value* take(std::string_view key);
  /// A problem with the value of `key`: "'key' in [section] …".
  void problem(std::string_view key, const std::string& what);
  void problem_at(Position where, std::string_view key, const std::string& what);
  void require(std::string_view key);

  void text(std::string_view key, std::string& into);
  void flag(std::string_view key, bool& into);
  void share(std::string_view key, double& into);  ///< 0 to 1.
  void path(std::string_view key, std::filesystem::path& into);
  void domain(std::string_view key, std::optional<Domain>& into);
  void size(std::string_view key, std::uint64_t& into, std::uint64_t min = 0);
  void size(std::string_view key, std::uint32_t& into, std::uint64_t min = 0);
  void duration(std::string_view key, seconds& into, seconds min = seconds(1));
  void duration(std::string_view key, milliseconds& into, milliseconds min);
  /// At least one, of whole seconds.
  void durations(std::string_view key, std::vector<seconds>& into, seconds min);
  template <std::unsigned_integral T>
  void count(std::string_view key, T& into, T min = 0, T max = std::numeric_limits<T>::max()) {
    // TOML's integers are signed.
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const auto value = integer(key, min, std::min<std::uint64_t>(max, kMax));
    if (value) into = static_cast<T>(*value);
  }
  template <typename T>
  void choice(std::string_view key, T& into,
              std::initializer_list<std::pair<std::string_view, T>> choices) {
    std::string names;
    std::string chosen;
    text(key, chosen);
    for (const auto& [name, value] : choices) {
      if (chosen == name) into = value;
      if (chosen == name) return;
      names.append(names.empty() ? "" : ", ").append(name);
    }
    if (is_text(key)) problem(key, "is one of: " + names);
  }
  /// Text that `parse` understands; `noun` says what it should be: "a network, such as …".
  template <typename T>
  void parsed(std::string_view key, T& into, Result<T> (*parse)(std::string_view),
              std::string_view noun) {
    if (const Value* value = expect(key, is_text(key), "a string")) {
      parse_one<T>(key, std::get<std::string>(value->of), value->where, parse, noun,
                   [&](T one, Position) { into = std::move(one); });
    }
  }
  /// An array of such texts; `add` gets each with its position.
  template <typename T, typename Add>
  void list(std::string_view key, Result<T> (*parse)(std::string_view), std::string_view noun,
            Add add) {
    texts(key, [&](const std::string& text, Position at) {
      parse_one<T>(key, text, at, parse, noun, add);
    });
  }
  /// An array of strings.
  void texts(std::string_view key, const VisitText& visit);
  /// A table of this table; refuses its unknown keys afterwards.
  void table(std::string_view key, const Visit& visit);
  /// An array of tables. `title`: how messages name one of them.
  void tables(std::string_view key, std::string title, const Visit& visit);
  /// Every entry of a table whose keys are free.
  void entries(std::string_view key, const VisitEntry& visit);
  void refuse_unknown();

 private:
  [[nodiscard]] bool is_text(std::string_view key) const;
  const Value* expect(std::string_view key, bool is_right, std::string_view kind);
  std::optional<std::uint64_t> integer(std::string_view key, std::uint64_t min, std::uint64_t max);
  [[nodiscard]] std::string nearest(std::string_view key) const;
  [[nodiscard]] std::string path_of(std::string_view key) const;
  [[nodiscard]] std::string quoted(std::string_view key) const;
  template <typename T, typename Add>
  void parse_one(std::string_view key, const std::string& text, Position at,
                 Result<T> (*parse)(std::string_view), std::string_view noun, Add add) {
    Result<T> result = parse(text);
    if (result) return add(std::move(*result), at);
    problem_at(at, key, "is \"" + text + "\", which is not " + std::string(noun));
  }

  Reading& reading_;
  const Table& table_;
  Position where_;
  std::string path_;
  std::string title_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace signet::config
