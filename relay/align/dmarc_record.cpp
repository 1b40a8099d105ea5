#include "relay/align/dmarc_record.hpp"

#include <algorithm>
#include <array>

namespace signet::align {
namespace {

constexpr std::size_t kMaxTags = 100;     // Beyond them a record is ignored from there on.
constexpr std::size_t kMaxUris = 20;      // Of one list.
constexpr std::size_t kMaxProblems = 20;  // Told; the rest is as bad.

constexpr bool is_wsp(char c) { return c == ' ' || c == '\t'; }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
constexpr bool is_alpha(char c) { return lower(c) >= 'a' && lower(c) <= 'z'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_wsp(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_wsp(text.back())) text.remove_suffix(1);
  return text;
}

/// The literals of ABNF are case-insensitive (RFC 5234 2.3).
bool is_word(std::string_view text, std::string_view word) {
  return std::ranges::equal(text, word, {}, &lower);
}

/// The record after its version tag, or nothing.
std::optional<std::string_view> skip_version(std::string_view text) {
  if (!text.starts_with('v')) return std::nullopt;
  const auto end = std::min(text.find(';'), text.size());
  const auto tag = text.substr(1, end - 1);
  const auto equals = tag.find('=');
  if (equals == std::string_view::npos || !trim(tag.substr(0, equals)).empty()) return std::nullopt;
  if (trim(tag.substr(equals + 1)) != "DMARC1") return std::nullopt;
  return text.substr(std::min(end + 1, text.size()));
}

std::optional<DmarcPolicy> parse_policy(std::string_view value) {
  for (const auto policy : {DmarcPolicy::none, DmarcPolicy::quarantine, DmarcPolicy::reject}) {
    if (is_word(value, name_of(policy))) return policy;
  }
  return std::nullopt;
}

/// scheme ":" and what RFC 3986 allows after it; "," and "!" must be encoded.
bool is_uri(std::string_view uri) {
  const auto colon = uri.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == uri.size()) return false;
  if (!is_alpha(uri.front())) return false;
  constexpr std::string_view kPunctuation = "-._~:/?#[]@$&'()*+;=%";
  const auto is_allowed = [&](char c) {
    return is_alpha(c) || (c >= '0' && c <= '9') || kPunctuation.contains(c);
  };
  if (!std::ranges::all_of(uri, is_allowed)) return false;
  if (!is_word(uri.substr(0, colon), "mailto")) return true;
  const auto at = uri.find('@', colon);
  return at != std::string_view::npos && at > colon + 1 && at + 1 < uri.size();
}

/// Without the obsolete size limit "!10m" (4.8, obs-dmarc-report-size).
std::string_view without_size(std::string_view uri) {
  const auto mark = uri.rfind('!');
  if (mark == std::string_view::npos) return uri;
  auto size = uri.substr(mark + 1);
  if (!size.empty() && std::string_view("kmgt").contains(lower(size.back()))) size.remove_suffix(1);
  const bool is_size = !size.empty() && size.find_first_not_of("0123456789") == size.npos;
  return is_size ? trim(uri.substr(0, mark)) : uri;
}

class Reader {
 public:
  DmarcRecord read(std::string_view tags) {
    for (std::size_t count = 0; !tags.empty() && count < kMaxTags; ++count) {
      const auto end = std::min(tags.find(';'), tags.size());
      read_tag(trim(tags.substr(0, end)));
      tags.remove_prefix(std::min(end + 1, tags.size()));
    }
    settle();
    return std::move(record_);
  }

 private:
  void problem(std::string text) {
    if (record_.problems.size() < kMaxProblems) record_.problems.push_back(std::move(text));
  }

  void read_tag(std::string_view tag) {
    if (tag.empty()) return;
    const auto equals = tag.find('=');
    const auto name = trim(tag.substr(0, equals));
    if (equals == std::string_view::npos || name.empty() || !std::ranges::all_of(name, is_alpha))
      return problem("a part is not tag=value and is ignored");
    const std::string_view* known = std::ranges::find(kTags, name);
    if (known == kTags.end()) return read_unknown(name);
    bool& seen = seen_[static_cast<std::size_t>(known - kTags.begin())];
    // RFC 6376 3.2 forbids repetition; RFC 9989 4.8 has what is wrong ignored: the first counts.
    if (seen) return problem(std::string(name) + "= is repeated; the first counts");
    seen = true;
    if (!read_known(name, trim(tag.substr(equals + 1))))
      problem(std::string(name) + "= has no valid value and is ignored");
  }

  void read_unknown(std::string_view name) {
    // RFC 9989 9.3 and A.6: in the registry, historic.
    const bool is_removed = name == "pct" || name == "rf" || name == "ri";
    problem(std::string(name.substr(0, 32)) + (is_removed
                                                   ? "= was removed from DMARC and is ignored"
                                                   : "= is no DMARC tag and is ignored"));
  }

  bool read_known(std::string_view name, std::string_view value) {
    if (name == "p") return (p_ = parse_policy(value)).has_value();
    if (name == "sp") return read_for_subdomains(value, record_.sp);
    if (name == "np") return read_for_subdomains(value, record_.np);
    if (name == "adkim") return read_mode(value, record_.adkim);
    if (name == "aspf") return read_mode(value, record_.aspf);
    if (name == "psd") return read_psd(value);
    if (name == "t") return read_flag(value, record_.is_test);
    if (name == "rua") return read_uris(value, record_.rua);
    if (name == "ruf") return read_uris(value, record_.ruf);
    return true;  // fo: only report generators need it.
  }

  bool read_for_subdomains(std::string_view value, std::optional<DmarcPolicy>& into) {
    into = parse_policy(value);
    subdomains_invalid_ |= !into;
    return into.has_value();
  }

  static bool read_mode(std::string_view value, AlignmentMode& into) {
    if (is_word(value, "s")) into = AlignmentMode::strict;
    return is_word(value, "s") || is_word(value, "r");
  }

  bool read_psd(std::string_view value) {
    if (is_word(value, "y")) record_.psd = PublicSuffixFlag::yes;
    if (is_word(value, "n")) record_.psd = PublicSuffixFlag::no;
    return record_.psd != PublicSuffixFlag::unsaid || is_word(value, "u");
  }

  static bool read_flag(std::string_view value, bool& into) {
    into = is_word(value, "y");
    return into || is_word(value, "n");
  }

  bool read_uris(std::string_view list, std::vector<std::string>& into) {
    bool all_valid = true;
    while (!list.empty() && into.size() < kMaxUris) {
      const auto end = std::min(list.find(','), list.size());
      const auto uri = without_size(trim(list.substr(0, end)));
      if (is_uri(uri)) into.emplace_back(uri);
      all_valid &= is_uri(uri);
      list.remove_prefix(std::min(end + 1, list.size()));
    }
    return all_valid && !into.empty();
  }

  /// 4.10.1: without a valid p=, or with an invalid sp= or np=, a reporting address makes it
  /// p=none; else DMARC does not apply.
  void settle() {
    record_.p = p_.value_or(DmarcPolicy::none);
    if (p_ && !subdomains_invalid_) return;
    record_.policy_is_valid = false;
    record_.p = DmarcPolicy::none;
    record_.sp.reset();
    record_.np.reset();
    record_.is_usable = !record_.rua.empty();
    problem(record_.is_usable ? "the policy is not valid: p=none counts"
                              : "the policy is not valid: DMARC does not apply");
  }

  static constexpr std::array<std::string_view, 10> kTags{"p",   "sp", "np",  "adkim", "aspf",
                                                          "psd", "t",  "rua", "ruf",   "fo"};
  DmarcRecord record_;
  std::optional<DmarcPolicy> p_;
  bool subdomains_invalid_ = false;
  std::array<bool, kTags.size()> seen_{};
};

}  // namespace

std::string_view name_of(DmarcPolicy policy) {
  constexpr std::array<std::string_view, 3> kNames{"none", "quarantine", "reject"};
  return kNames[static_cast<std::size_t>(policy)];
}

std::optional<DmarcRecord> parse_dmarc_record(std::string_view text) {
  const auto tags = skip_version(text);
  if (!tags) return std::nullopt;
  return Reader().read(*tags);
}

std::optional<DmarcRecord> select_dmarc_record(std::span<const std::string> texts) {
  std::optional<DmarcRecord> found;
  for (const std::string& text : texts) {
    auto record = parse_dmarc_record(text);
    if (!record) continue;
    if (found) return std::nullopt;
    found = std::move(record);
  }
  return found;
}

}  // namespace signet::align
