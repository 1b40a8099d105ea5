#include "keys/rspamd_import.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "keys/key_set.hpp"
#include "keys/signing_table.hpp"
#include "keys/ucl.hpp"

namespace signet::keys {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Pairs = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::uintmax_t kMaxFile = 64UL << 20;

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

Result<std::string> read_text(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (!stream || error) return fail(Fault::not_found, file.string() + ": can't be read");
  if (size > kMaxFile) return fail(Fault::bad_parameter, file.string() + ": over 64 MiB");
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

std::optional<std::pair<std::string, std::string>> pair_of(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const auto from = line.find_first_not_of(kSpace);
  if (from == std::string_view::npos) return std::nullopt;
  const auto end = std::min(line.find_first_of(kSpace, from), line.size());
  auto value = line.substr(std::min(line.find_first_not_of(kSpace, end), line.size()));
  value = value.substr(0, value.find_last_not_of(kSpace) + 1);
  return std::pair{std::string(line.substr(from, end - from)), std::string(value)};
}

class RspamdReader {
 public:
  RspamdReader(const fs::path& file, const std::vector<Domain>& named, const FoldDomain& fold)
      : file_(file), named_(named), fold_(fold) {}

  Result<ImportRules> read() {
    const auto text = read_text(file_);
    if (!text) return text.failure();
    auto parsed = parse_ucl(*text);
    if (!parsed) return fail(Fault::bad_parameter, file_.string() + ": " + parsed.error().detail);
    settings_ = parsed->contains("dkim_signing") ? (*parsed)["dkim_signing"] : std::move(*parsed);
    if (!settings_.is_object()) return refuse("dkim_signing is no section");
    for (const char* name :
         {"use_redis", "use_vault", "use_http_headers", "sign_condition", "use_domain_custom",
          "use_domain_sign_networks", "use_domain_sign_local", "use_domain_sign_inbound"})
      if (settings_.contains(name) && settings_[name] != false)
        return refuse(std::string(name) + " can't be imported: write the keys to files");
    if (text_at(settings_, "use_domain", "header") != "header")
      return refuse("use_domain = header is all that can be imported: Signet goes by the From");
    if (!is_on("enabled", true))
      result_.notes.emplace_back("enabled = false: this rspamd does not sign at all");
    if (settings_.contains("signing_table")) return read_tables();
    return read_domains();
  }

 private:
  [[nodiscard]] Failure refuse(const std::string& why) const {
    return fail(Fault::bad_parameter, file_.string() + ": " + why);
  }

  static std::string text_at(const json& section, const char* name, std::string otherwise) {
    const auto found = section.find(name);
    return found != section.end() && found->is_string() ? found->get<std::string>() : otherwise;
  }

  [[nodiscard]] bool is_on(const char* name, bool otherwise) const {
    const auto found = settings_.find(name);
    return found != settings_.end() && found->is_boolean() ? found->get<bool>() : otherwise;
  }

  /// Variables of rspamd's configuration, as Debian sets them.
  [[nodiscard]] std::string expanded(std::string text) const {
    const auto folder = fs::absolute(file_).parent_path();
    const auto name = folder.filename();
    const bool is_below = name == "local.d" || name == "override.d" || name == "modules.d";
    const std::string configuration = is_below ? folder.parent_path().string() : "/etc/rspamd";
    for (const auto& [variable, value] :
         {std::pair<std::string, std::string>{"LOCAL_CONFDIR", configuration},
          {"CONFDIR", configuration},
          {"DBDIR", "/var/lib/rspamd"}}) {
      replace_all(text, "${" + variable + "}", value);
      replace_all(text, "$" + variable, value);
    }
    return text;
  }

  /// A map: a file, a list of lines, or a section of names and values.
  [[nodiscard]] Result<Pairs> read_map(const char* name) const {
    Pairs pairs;
    const auto map = settings_.find(name);
    if (map == settings_.end()) return pairs;
    if (map->is_object()) {
      for (const auto& [key, value] : map->items()) {
        if (!value.is_string()) return refuse(std::string(name) + " of this kind is not read");
        pairs.emplace_back(key, value.get<std::string>());
      }
      return pairs;
    }
    std::string lines;
    if (map->is_string()) {
      auto place = expanded(map->get<std::string>());
      for (const std::string_view scheme : {"file://", "fallback+file://"})
        if (place.starts_with(scheme)) place.erase(0, scheme.size());
      if (!place.starts_with('/')) return refuse(std::string(name) + ": only files are read");
      auto text = read_text(place);
      if (!text) return text.failure();
      lines = std::move(*text);
    } else if (map->is_array()) {
      for (const auto& line : *map) {
        if (!line.is_string() || line.get<std::string>().starts_with('/'))
          return refuse(std::string(name) + " of this kind is not read: name one file");
        lines += line.get<std::string>() + "\n";
      }
    } else {
      return refuse(std::string(name) + " of this kind is not read");
    }
    for (std::size_t from = 0; from < lines.size();) {
      const auto end = std::min(lines.find('\n', from), lines.size());
      if (auto pair = pair_of(std::string_view(lines).substr(from, end - from)))
        pairs.push_back(std::move(*pair));
      from = end + 1;
    }
    return pairs;
  }

  // ---- signing_table and key_table, in the manner of OpenDKIM.

  Result<ImportRules> read_tables() {
    const auto signing = read_map("signing_table");
    if (!signing) return signing.failure();
    const auto keys = read_map("key_table");
    if (!keys) return keys.failure();
    SigningTables tables{.is_pattern_table = true, .order_is_unknown = true};
    for (const auto& [name, value] : *keys) {
      auto key = read_key(value);
      if (!key) return refuse("key_table, " + name + ": " + key.error().detail);
      if (name.find_first_of("*?[") != std::string::npos)
        return refuse("key_table, " + name + ": patterns of keys are not read");
      tables.keys.emplace(name, std::move(*key));
    }
    std::size_t number = 0;
    for (const auto& [pattern, name] : *signing) {
      ++number;
      if (pattern.find_first_of("?[") != std::string::npos)
        return refuse("signing_table, " + pattern + ": only * is read in patterns");
      tables.signing.push_back({pattern, name, "signing_table:" + std::to_string(number)});
    }
    return resolve_tables(tables, named_);
  }

  /// "DOMAIN:FILE" or "DOMAIN:SELECTOR:FILE"
  [[nodiscard]] Result<SigningTables::Key> read_key(const std::string& value) const {
    const auto first = std::min(value.find(':'), value.size());
    const auto last = value.rfind(':');
    if (first == value.size()) return fail(Fault::bad_parameter, "not DOMAIN:SELECTOR:FILE");
    const auto selector = first == last ? text_at(settings_, "selector", "dkim")
                                        : value.substr(first + 1, last - first - 1);
    if (selector.find(':') != std::string::npos)
      return fail(Fault::bad_parameter, "not DOMAIN:SELECTOR:FILE");
    return SigningTables::Key{value.substr(0, first), selector, expanded(value.substr(last + 1))};
  }

  // ---- domain sections, maps, and the path for all others.

  Result<ImportRules> read_domains() {
    for (const auto& [map, into] :
         {std::pair{"selector_map", &selectors_}, {"path_map", &paths_}}) {
      const auto pairs = read_map(map);
      if (!pairs) return pairs.failure();
      for (const auto& [name, value] : *pairs) into->emplace(name, value);
    }
    const auto sections = settings_.find("domain");
    if (sections != settings_.end() && !sections->is_object())
      return refuse("domain is no section");
    std::set<Domain> authors(named_.begin(), named_.end());
    for (const auto* names : {&selectors_, &paths_})
      for (const auto& [name, value] : *names) add_author(authors, name);
    if (sections != settings_.end())
      for (const auto& [name, section] : sections->items()) add_author(authors, name);
    for (const auto& name : names_in_path()) add_author(authors, name);
    for (const Domain& author : authors) decide(author);
    if (is_on("use_esld", true))
      result_.notes.emplace_back(
          "use_esld: rspamd signs subdomains with their organisational domain; here those do that "
          "are named with --domain");
    return std::move(result_);
  }

  void add_author(std::set<Domain>& authors, const std::string& name) {
    auto domain = Domain::parse(name);
    if (!domain) {
      result_.refusals.push_back(name + ": is no domain name");
      return;
    }
    if (is_on("use_esld", true) && fold_(*domain) != *domain) {
      result_.notes.push_back(name + ": rspamd never looks there, it signs as " +
                              fold_(*domain).text() + " (use_esld)");
    }
    authors.insert(std::move(*domain));
  }

  [[nodiscard]] std::string default_path() const {
    return expanded(text_at(settings_, "path", "/var/lib/rspamd/dkim/$domain.$selector.key"));
  }

  /// Domains for which the path that all share leads to a file.
  [[nodiscard]] std::vector<std::string> names_in_path() const {
    std::vector<std::string> names;
    auto path = default_path();
    replace_all(path, "$selector", text_at(settings_, "selector", "dkim"));
    const auto at = path.find("$domain");
    if (at == std::string::npos || path.find("$domain", at + 1) != std::string::npos ||
        !is_on("try_fallback", true))
      return names;
    const auto slash = path.rfind('/', at);
    if (slash == std::string::npos || path.find('/', at) != std::string::npos) return names;
    const auto before = path.substr(slash + 1, at - slash - 1);
    const auto after = path.substr(at + std::string_view("$domain").size());
    std::error_code error;
    for (fs::directory_iterator entry(path.substr(0, slash + 1), error), end;
         !error && entry != end; entry.increment(error)) {
      const auto name = entry->path().filename().string();
      if (name.size() > before.size() + after.size() && name.starts_with(before) &&
          name.ends_with(after))
        names.push_back(name.substr(before.size(), name.size() - before.size() - after.size()));
    }
    return names;
  }

  /// As lua_dkim_tools.lua does: the section's keys, then the maps, then what holds for all.
  void decide(const Domain& author) {
    const Domain domain = is_on("use_esld", true) ? fold_(author) : author;
    struct Choice {
      std::string selector;
      std::string path;
    };
    std::vector<Choice> choices;
    const auto add = [&](const json& section) {
      if (section.is_object())
        choices.push_back({text_at(section, "selector", ""), text_at(section, "path", "")});
    };
    if (settings_.contains("domain") && settings_["domain"].contains(domain.text())) {
      const json& section = settings_["domain"][domain.text()];
      if (section.contains("selector") || section.contains("path")) add(section);
      if (section.contains("selectors"))
        for (const auto& each : section["selectors"]) add(each);
    }
    const auto selector = selectors_.find(domain.text());
    const auto path = paths_.find(domain.text());
    const bool is_known = !choices.empty() || selector != selectors_.end() || path != paths_.end();
    if (!is_known && !is_on("try_fallback", true)) return;
    if (choices.empty()) choices.emplace_back();
    ImportRule rule{author, {}};
    for (Choice& choice : choices) {
      if (choice.selector.empty() && selector != selectors_.end())
        choice.selector = selector->second;
      if (choice.path.empty() && path != paths_.end()) choice.path = path->second;
      if (choice.selector.empty()) choice.selector = text_at(settings_, "selector", "dkim");
      if (choice.path.empty()) choice.path = default_path();
      auto file = expanded(choice.path);
      replace_all(file, "$domain", domain.text());
      replace_all(file, "$selector", choice.selector);
      rule.keys.push_back({domain, choice.selector, file});
    }
    // What all share signs where its file is.
    const bool is_there = std::ranges::all_of(rule.keys, [](const ImportedKey& key) {
      std::error_code error;
      return fs::exists(key.file, error);
    });
    if (is_there || is_known) return result_.rules.push_back(std::move(rule));
    result_.notes.push_back(author.text() + ": rspamd has no key at " +
                            rule.keys.front().file.string());
  }

  const fs::path& file_;
  const std::vector<Domain>& named_;
  const FoldDomain& fold_;
  json settings_;
  std::map<std::string, std::string> selectors_;
  std::map<std::string, std::string> paths_;
  ImportRules result_;
};

}  // namespace

Result<ImportRules> read_rspamd(const fs::path& file, const std::vector<Domain>& named,
                                const FoldDomain& fold) {
  return RspamdReader(file, named, fold).read();
}

}  // namespace signet::keys
