#include "keys/signing_table.hpp"

#include <algorithm>
#include <set>

#include "keys/letter_case.hpp"

namespace signet::keys {
namespace {

using Signing = SigningTables::Signing;

enum class Covers { none, some, all };

std::string_view domain_part(std::string_view pattern) {
  const auto at = pattern.rfind('@');
  return at == std::string_view::npos ? pattern : pattern.substr(at + 1);
}

std::string replaced(std::string text, const Domain& author) {
  for (std::size_t at = 0; (at = text.find('%', at)) != std::string::npos;
       at += author.text().size())
    text.replace(at, 1, author.text());
  return text;
}

/// Which local parts at `domain` a pattern covers.
Covers covers(std::string_view pattern, std::string_view domain) {
  const std::string rest = "@" + std::string(domain);
  // A character that only "*" can stand for: so that the local part may be anything.
  if (matches_pattern(pattern, "\x01" + rest)) return Covers::all;
  for (std::size_t at = 0; at <= pattern.size(); ++at) {
    if (at == 0 && !pattern.starts_with('*')) continue;
    if (matches_pattern(pattern.substr(at), rest)) return Covers::some;
  }
  return Covers::none;
}

class Resolver {
 public:
  Resolver(const SigningTables& tables, const std::vector<Domain>& named) : tables_(tables) {
    for (const Signing& entry : tables.signing) {
      patterns_.push_back(lower(entry.pattern));
      fixed_.push_back(std::string(fixed_domain(patterns_.back())));
      if (auto domain = Domain::parse(fixed_.back())) authors_.insert(std::move(*domain));
    }
    for (std::size_t i = 0; i < patterns_.size(); ++i) by_pattern_.emplace(patterns_[i], i);
    authors_.insert(named.begin(), named.end());
  }

  ImportRules resolve() {
    for (const Domain& author : authors_) decide(author);
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      if (fixed_[i].empty() && !used_.contains(i))
        refuse(i, "covers domains that are not named here: name those that send with --domain");
      if (!fixed_[i].empty() && !Domain::parse(fixed_[i])) refuse(i, "is about no domain name");
    }
    return std::move(result_);
  }

 private:
  struct Match {
    std::size_t entry;
    Covers covers;
  };

  /// The one domain an entry is about; empty: more than that.
  [[nodiscard]] std::string_view fixed_domain(std::string_view pattern) const {
    const auto domain = domain_part(pattern);
    const bool is_open = domain.find('*') != std::string_view::npos ||
                         (!tables_.is_pattern_table && domain.starts_with('.'));
    return is_open ? std::string_view() : domain;
  }

  void refuse(std::size_t entry, std::string_view why) {
    const auto& signing = tables_.signing[entry];
    result_.refusals.push_back(signing.where + ": " + signing.pattern + " " + std::string(why));
  }

  [[nodiscard]] std::vector<Match> matches(const Domain& author) const {
    return tables_.is_pattern_table ? pattern_matches(author) : lookups(author);
  }

  [[nodiscard]] std::vector<Match> pattern_matches(const Domain& author) const {
    std::vector<Match> found;
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      if (!fixed_[i].empty() && fixed_[i] != author.text()) continue;
      const Covers part = covers(patterns_[i], author.text());
      if (part != Covers::none) found.push_back({i, part});
    }
    return found;
  }

  // The order of opendkim.conf(5), SigningTable.
  [[nodiscard]] std::vector<Match> lookups(const Domain& author) const {
    std::vector<Match> found;
    std::vector<std::string> parents;
    const std::string& host = author.text();
    for (auto dot = host.find('.'); dot != std::string::npos; dot = host.find('.', dot + 1))
      parents.push_back(host.substr(dot));
    add_users(found, host);
    add_lookup(found, host);
    for (const auto& parent : parents) add_users(found, parent);
    for (const auto& parent : parents) add_lookup(found, parent);
    add_users(found, "*");
    add_lookup(found, "*");
    return found;
  }

  void add_lookup(std::vector<Match>& found, const std::string& pattern) const {
    const auto entry = by_pattern_.find(pattern);
    if (entry != by_pattern_.end()) found.push_back({entry->second, Covers::all});
  }

  void add_users(std::vector<Match>& found, std::string_view domain) const {
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      const auto at = patterns_[i].rfind('@');
      if (at != std::string::npos && std::string_view(patterns_[i]).substr(at + 1) == domain)
        found.push_back({i, Covers::some});
    }
  }

  void decide(const Domain& author) {
    std::vector<std::size_t> chosen;
    std::vector<std::size_t> partial;
    for (const Match& match : matches(author)) {
      if (match.covers == Covers::some) {
        partial.push_back(match.entry);
        continue;
      }
      chosen.push_back(match.entry);
      if (!tables_.all_matches && !tables_.order_is_unknown) break;
    }
    ImportRule rule{author, {}};
    for (const std::size_t entry : chosen) {
      if (!add_key(rule, entry)) return;
      used_.insert(entry);
    }
    if (tables_.order_is_unknown && rule.keys.size() > 1)
      return refuse(chosen.back(), "is one of several patterns that match " + author.text());
    for (const std::size_t entry : partial) {
      const std::size_t known = rule.keys.size();
      if (known > 0 && add_key(rule, entry) && rule.keys.size() == known) continue;
      used_.insert(entry);
      return refuse(entry, "is about some senders of " + author.text() +
                               " only: Signet signs for whole domains");
    }
    if (!rule.keys.empty()) result_.rules.push_back(std::move(rule));
  }

  bool add_key(ImportRule& rule, std::size_t entry) {
    auto name = tables_.signing[entry].key_name;
    if (name == "%") name = rule.author.text();
    const auto key = tables_.keys.find(name);
    if (key == tables_.keys.end()) {
      refuse(entry, "names the key " + name + ", which is in no KeyTable");
      return false;
    }
    auto domain = Domain::parse(replaced(key->second.domain, rule.author));
    if (!domain) {
      refuse(entry, "leads to " + key->second.domain + ", which is no domain name");
      return false;
    }
    const auto file = replaced(key->second.file, rule.author);
    if (!file.starts_with('/') && !file.starts_with("./") && !file.starts_with("../")) {
      refuse(entry, "leads to a key that stands in the table itself: put it into a file");
      return false;
    }
    ImportedKey made{std::move(*domain), key->second.selector, file};
    if (std::ranges::find(rule.keys, made) == rule.keys.end()) rule.keys.push_back(std::move(made));
    return true;
  }

  const SigningTables& tables_;
  std::vector<std::string> patterns_;  // In lower case, as the table's entries.
  std::vector<std::string> fixed_;
  std::map<std::string, std::size_t> by_pattern_;
  std::set<Domain> authors_;
  std::set<std::size_t> used_;
  ImportRules result_;
};

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t at = 0;
  std::size_t in_text = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (in_text < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      resume = in_text;
    } else if (at < pattern.size() && pattern[at] == text[in_text]) {
      ++at;
      ++in_text;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in_text = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

ImportRules resolve_tables(const SigningTables& tables, const std::vector<Domain>& named) {
  return Resolver(tables, named).resolve();
}

}  // namespace signet::keys
