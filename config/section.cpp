#include "config/section.hpp"

#include <algorithm>

#include "config/nearest_word.hpp"
#include "config/quantity.hpp"

namespace signet::config {
namespace {

template <typename T>
bool holds(const Value* value) {
  return value != nullptr && std::holds_alternative<T>(value->of);
}

}  // namespace

Section::Section(Reading& reading, const Table& table, Position where, std::string path,
                 std::string title)
    : reading_(reading),
      table_(table),
      where_(where),
      path_(std::move(path)),
      title_(std::move(title)) {}

std::string Section::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

std::string Section::quoted(std::string_view key) const {
  return "'" + std::string(key) + "'" + (title_.empty() ? "" : " in " + title_);
}

Position Section::where(std::string_view key) const {
  const Entry* entry = table_.find(key);
  return entry == nullptr ? where_ : entry->value.where;
}

const Value* Section::take(std::string_view key) {
  reading_.know(path_of(key));
  asked_.emplace(key);
  const Entry* entry = table_.find(key);
  return entry == nullptr ? nullptr : &entry->value;
}

void Section::problem(std::string_view key, const std::string& what) {
  problem_at(where(key), key, what);
}

void Section::problem_at(Position where, std::string_view key, const std::string& what) {
  reading_.problem(where, quoted(key) + " " + what);
}

void Section::require(std::string_view key) {
  if (!has(key)) reading_.problem(where_, quoted(key) + " is missing");
}

bool Section::is_text(std::string_view key) const {
  const Entry* entry = table_.find(key);
  return entry != nullptr && std::holds_alternative<std::string>(entry->value.of);
}

const Value* Section::expect(std::string_view key, bool is_right, std::string_view kind) {
  const Value* value = take(key);
  if (value == nullptr || is_right) return value;
  problem(key, "must be " + std::string(kind) + ", not " + std::string(kind_of(*value)));
  return nullptr;
}

void Section::text(std::string_view key, std::string& into) {
  if (const Value* value = expect(key, is_text(key), "a string")) {
    into = std::get<std::string>(value->of);
  }
}

void Section::flag(std::string_view key, bool& into) {
  const bool is_right = holds<bool>(take(key));
  if (const Value* value = expect(key, is_right, "true or false")) into = std::get<bool>(value->of);
}

void Section::share(std::string_view key, double& into) {
  const Value* value = take(key);
  double share = -1;
  if (holds<double>(value)) share = std::get<double>(value->of);
  if (holds<std::int64_t>(value)) share = static_cast<double>(std::get<std::int64_t>(value->of));
  if (value == nullptr) return;
  if (!(share >= 0 && share <= 1)) return problem(key, "must be a number from 0 to 1");
  into = share;
}

void Section::path(std::string_view key, std::filesystem::path& into) {
  std::string written;
  text(key, written);
  if (!is_text(key)) return;
  if (written.empty()) return problem(key, "must not be empty");
  into = reading_.resolve(written);
}

void Section::domain(std::string_view key, std::optional<Domain>& into) {
  if (const Value* value = expect(key, is_text(key), "a string")) {
    parse_one<Domain>(key, std::get<std::string>(value->of), value->where, &Domain::parse,
                      "a domain name", [&](Domain one, Position) { into = std::move(one); });
  }
}

std::optional<std::uint64_t> Section::integer(std::string_view key, std::uint64_t min,
                                              std::uint64_t max) {
  const bool is_right = holds<std::int64_t>(take(key));
  const Value* value = expect(key, is_right, "an integer");
  if (value == nullptr) return std::nullopt;
  const std::int64_t number = std::get<std::int64_t>(value->of);
  if (number >= 0 && std::cmp_greater_equal(number, min) && std::cmp_less_equal(number, max)) {
    return static_cast<std::uint64_t>(number);
  }
  problem(key, "must be from " + std::to_string(min) + " to " + std::to_string(max));
  return std::nullopt;
}

void Section::size(std::string_view key, std::uint64_t& into, std::uint64_t min) {
  std::uint64_t octets = into;
  if (holds<std::int64_t>(take(key))) {
    count(key, octets);
  } else {
    std::string written;
    text(key, written);
    if (!is_text(key)) return;
    const auto parsed = parse_size(written);
    if (!parsed) return problem(key, "must be a size, such as \"25 MiB\" or \"512 KiB\"");
    octets = *parsed;
  }
  if (octets < min) return problem(key, "must be at least " + std::to_string(min) + " octets");
  into = octets;
}

void Section::size(std::string_view key, std::uint32_t& into, std::uint64_t min) {
  std::uint64_t octets = into;
  size(key, octets, min);
  if (octets > std::numeric_limits<std::uint32_t>::max()) {
    return problem(key, "must be less than 4 GiB");
  }
  into = static_cast<std::uint32_t>(octets);
}

void Section::duration(std::string_view key, milliseconds& into, milliseconds min) {
  std::string written;
  text(key, written);
  if (!is_text(key)) return;
  const auto span = parse_duration(written);
  if (!span) return problem(key, "must be a duration, such as \"30s\", \"5m\", \"4h\" or \"12d\"");
  if (*span < min) {
    return problem(key, "must be at least " + std::to_string(min.count()) + "ms");
  }
  into = *span;
}

void Section::duration(std::string_view key, seconds& into, seconds min) {
  milliseconds span = into;
  duration(key, span, min);
  if (span % seconds(1) != milliseconds(0)) return problem(key, "must be whole seconds");
  into = std::chrono::duration_cast<seconds>(span);
}

void Section::durations(std::string_view key, std::vector<seconds>& into, seconds min) {
  std::vector<seconds> read;
  bool is_empty = true;
  texts(key, [&](const std::string& text, Position at) {
    is_empty = false;
    const auto span = parse_duration(text);
    if (!span || *span % seconds(1) != milliseconds(0))
      return problem_at(at, key, "must hold durations of whole seconds, such as \"5m\"");
    if (*span < min)
      return problem_at(at, key,
                        "must hold durations of at least " + std::to_string(min.count()) + "s");
    read.push_back(std::chrono::duration_cast<seconds>(*span));
  });
  if (!has(key)) return;
  if (is_empty) return problem(key, "must hold at least one duration");
  into = std::move(read);
}

void Section::texts(std::string_view key, const VisitText& visit) {
  const bool is_right = holds<Array>(take(key));
  const Value* value = expect(key, is_right, "an array of strings");
  if (value == nullptr) return;
  for (const Value& one : std::get<Array>(value->of)) {
    if (const auto* text = std::get_if<std::string>(&one.of)) {
      visit(*text, one.where);
    } else {
      problem_at(one.where, key, "must hold strings, not " + std::string(kind_of(one)));
    }
  }
}

void Section::table(std::string_view key, const Visit& visit) {
  const bool is_right = holds<Table>(take(key));
  const Value* value = expect(key, is_right, "a table");
  if (value == nullptr) return;
  Section section(reading_, std::get<Table>(value->of), value->where, path_of(key),
                  "[" + path_of(key) + "]");
  visit(section);
  section.refuse_unknown();
}

void Section::tables(std::string_view key, std::string title, const Visit& visit) {
  const bool is_right = holds<Array>(take(key));
  const Value* value = expect(key, is_right, "an array of tables");
  if (value == nullptr) return;
  for (const Value& one : std::get<Array>(value->of)) {
    const auto* table = std::get_if<Table>(&one.of);
    if (table == nullptr) {
      problem_at(one.where, key, "must hold tables, not " + std::string(kind_of(one)));
      continue;
    }
    Section section(reading_, *table, one.where, path_of(key), title);
    visit(section);
    section.refuse_unknown();
  }
}

void Section::entries(std::string_view key, const VisitEntry& visit) {
  const bool is_right = holds<Table>(take(key));
  const Value* value = expect(key, is_right, "a table");
  if (value == nullptr) return;
  for (const Entry& entry : std::get<Table>(value->of).entries) visit(entry);
}

std::string Section::nearest(std::string_view key) const {
  return nearest_word(key, {asked_.begin(), asked_.end()});
}

void Section::refuse_unknown() {
  for (const Entry& entry : table_.entries) {
    if (asked_.contains(entry.key)) continue;
    std::string what = "unknown key " + quoted(entry.key);
    if (const std::string best = nearest(entry.key); !best.empty()) {
      what += ": did you mean '" + best + "'?";
    } else if (!path_.empty() && reading_.known().contains(entry.key)) {
      what += ": it belongs before the first [section]";
    }
    reading_.problem(entry.where, std::move(what));
  }
}

}  // namespace signet::config
