#include "keys/opendkim_import.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>

#include "keys/letter_case.hpp"
#include "keys/signing_table.hpp"

namespace signet::keys {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

/// A line without comment, at its first white space taken apart.
std::optional<std::pair<std::string, std::string>> word_and_rest(std::string_view line) {
  line = trimmed(line.substr(0, line.find('#')));
  if (line.empty()) return std::nullopt;
  const auto end = std::min(line.find_first_of(kSpace), line.size());
  return std::pair{std::string(line.substr(0, end)), std::string(trimmed(line.substr(end)))};
}

struct DatasetEntry {
  std::string key;
  std::string value;
  std::string where;
};
struct Dataset {
  std::vector<DatasetEntry> entries;
  bool has_patterns = false;
};

Result<Dataset> read_lines(const fs::path& file, bool has_patterns) {
  std::ifstream stream(file);
  if (!stream) return fail(Fault::not_found, file.string() + ": can't be read");
  Dataset set{.entries = {}, .has_patterns = has_patterns};
  std::size_t number = 0;
  for (std::string line; std::getline(stream, line);) {
    ++number;
    auto parts = word_and_rest(line);
    if (!parts) continue;
    set.entries.push_back({std::move(parts->first), std::move(parts->second),
                           file.string() + ":" + std::to_string(number)});
  }
  return set;
}

Dataset split_list(std::string_view list, const std::string& where) {
  Dataset set;
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    const auto element = trimmed(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    if (element.empty()) continue;
    const auto equals = element.find('=');
    const bool is_pair = equals != std::string_view::npos;
    set.entries.push_back({std::string(trimmed(element.substr(0, equals))),
                           std::string(is_pair ? trimmed(element.substr(equals + 1)) : ""), where});
  }
  return set;
}

/// opendkim(8), DATA SETS.
Result<Dataset> read_dataset(const std::string& specification, const std::string& where) {
  constexpr std::array<std::string_view, 10> kForeign{
      "db:",  "dsn:",      "ldap:",   "ldaps:", "ldapi:",
      "lua:", "memcache:", "erlang:", "mdb:",   "repute:"};
  const std::string_view text = specification;
  for (const auto kind : kForeign) {
    if (!text.starts_with(kind)) continue;
    return fail(Fault::bad_parameter, where + ": tables of the kind " + std::string(kind) +
                                          " are not read: write it to a file");
  }
  if (text.ends_with(".db"))
    return fail(Fault::bad_parameter, where + ": Berkeley databases are not read: use a file");
  if (text.starts_with("refile:")) return read_lines(text.substr(7), true);
  if (text.starts_with("file:")) return read_lines(text.substr(5), false);
  if (text.starts_with('/')) return read_lines(text, false);
  return split_list(text.starts_with("csl:") ? text.substr(4) : text, where);
}

std::vector<std::string> parts_of(std::string_view value) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= value.size();) {
    const auto colon = std::min(value.find(':', from), value.size());
    parts.emplace_back(trimmed(value.substr(from, colon - from)));
    from = colon + 1;
  }
  return parts;
}

/// opendkim.conf: the last value of each option, by lower-case name.
class Configuration {
 public:
  static Result<Configuration> read(const fs::path& file) {
    auto lines = read_lines(file, false);
    if (!lines) return lines.failure();
    Configuration configuration;
    for (auto& line : lines->entries) {
      const auto name = lower(line.key);
      if (name == "include")
        return fail(Fault::bad_parameter, line.where + ": Include is not followed: import each");
      configuration.options_.insert_or_assign(name, std::move(line));
    }
    return configuration;
  }

  [[nodiscard]] const DatasetEntry* find(const std::string& name) const {
    const auto found = options_.find(name);
    return found == options_.end() || found->second.value.empty() ? nullptr : &found->second;
  }
  [[nodiscard]] bool is_on(const std::string& name) const {
    const auto* option = find(name);
    if (option == nullptr) return false;
    const char first = lower(option->value).front();
    return first == 'y' || first == 't' || first == '1';
  }

 private:
  std::map<std::string, DatasetEntry> options_;
};

Result<void> read_key_table(const DatasetEntry& option, SigningTables& into) {
  const auto set = read_dataset(option.value, option.where);
  if (!set) return set.failure();
  for (const auto& entry : set->entries) {
    if (set->has_patterns && entry.key.find('*') != std::string::npos)
      return fail(Fault::bad_parameter, entry.where + ": a pattern names no key: write each");
    const auto parts = parts_of(entry.value);
    if (parts.size() != 3)
      return fail(Fault::bad_parameter, entry.where + ": not NAME DOMAIN:SELECTOR:FILE");
    into.keys.emplace(entry.key, SigningTables::Key{parts[0], parts[1], parts[2]});
  }
  return {};
}

Result<void> read_signing_table(const DatasetEntry& option, SigningTables& into,
                                ImportRules& said) {
  const auto set = read_dataset(option.value, option.where);
  if (!set) return set.failure();
  into.is_pattern_table = set->has_patterns;
  bool names_identity = false;
  for (const auto& entry : set->entries) {
    const auto parts = parts_of(entry.value);
    if (parts.front().empty()) return fail(Fault::bad_parameter, entry.where + ": names no key");
    names_identity = names_identity || parts.size() > 1;
    into.signing.push_back({entry.key, parts.front(), entry.where});
  }
  if (names_identity) said.notes.emplace_back("SigningTable: identities (i=) are not kept");
  return {};
}

/// Domain, Selector and KeyFile, in the terms of tables.
Result<void> read_single_key(const Configuration& configuration, SigningTables& into) {
  const auto* domain = configuration.find("domain");
  const auto* selector = configuration.find("selector");
  const auto* file = configuration.find("keyfile");
  if (domain == nullptr || selector == nullptr || file == nullptr) {
    return fail(Fault::bad_parameter,
                "neither KeyTable and SigningTable nor Domain, Selector and KeyFile are set");
  }
  const auto set = read_dataset(domain->value, domain->where);
  if (!set) return set.failure();
  for (const auto& entry : set->entries) {
    into.keys.emplace(entry.key, SigningTables::Key{entry.key, selector->value, file->value});
    into.signing.push_back({entry.key, entry.key, entry.where});
    if (configuration.is_on("subdomains"))
      into.signing.push_back({"." + entry.key, entry.key, entry.where});
  }
  return {};
}

void note_what_is_lost(const Configuration& configuration, ImportRules& said) {
  for (const char* name : {"exemptdomains", "dontsignmailto", "setuppolicyscript"}) {
    const auto* option = configuration.find(name);
    if (option != nullptr)
      said.notes.push_back(option->key + ": not kept, Signet signs what its clients may send");
  }
  const auto* mode = configuration.find("mode");
  if (mode != nullptr && mode->value.find('s') == std::string::npos)
    said.notes.emplace_back("Mode: this OpenDKIM does not sign at all");
}

}  // namespace

Result<ImportRules> read_opendkim(const fs::path& file, const std::vector<Domain>& named) {
  const auto configuration = Configuration::read(file);
  if (!configuration) return configuration.failure();
  SigningTables tables{.all_matches = configuration->is_on("multiplesignatures")};
  ImportRules said;
  const auto* key_table = configuration->find("keytable");
  const auto* signing_table = configuration->find("signingtable");
  if (key_table != nullptr && signing_table != nullptr) {
    if (const auto read = read_key_table(*key_table, tables); !read) return read.failure();
    const auto read = read_signing_table(*signing_table, tables, said);
    if (!read) return read.failure();
  } else if (key_table != nullptr || signing_table != nullptr) {
    return fail(Fault::bad_parameter, "KeyTable and SigningTable go together: one is missing");
  } else if (const auto read = read_single_key(*configuration, tables); !read) {
    return read.failure();
  }
  note_what_is_lost(*configuration, said);
  auto rules = resolve_tables(tables, named);
  rules.notes = std::move(said.notes);
  return rules;
}

}  // namespace signet::keys
