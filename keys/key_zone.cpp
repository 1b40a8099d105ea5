#include "keys/key_zone.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "keys/base64.hpp"
#include "keys/import_keys.hpp"
#include "keys/key_record.hpp"
#include "keys/key_set.hpp"
#include "keys/letter_case.hpp"

namespace signet::keys {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
constexpr std::size_t kMaxName = 254;  // RFC 1035 2.3.4, with the last dot.

/// Words of one entry; parentheses and line ends within them are gone, quoted strings are kept
/// apart.
struct Word {
  std::string text;
  bool is_quoted = false;
};

class ZoneReader {
 public:
  explicit ZoneReader(std::string_view zone) : zone_(zone) {}

  Result<std::vector<ZoneRecord>> read() {
    while (at_ < zone_.size()) {
      const bool keeps_owner = zone_[at_] == ' ' || zone_[at_] == '\t';
      auto words = read_entry();
      if (!words) return words.failure();
      if (!words->empty()) take(*words, keeps_owner);
      if (origin_.size() > kMaxName)
        return fail(Fault::bad_parameter, "$ORIGIN is longer than a DNS name can be");
    }
    return std::move(records_);
  }

 private:
  Result<std::vector<Word>> read_entry() {
    std::vector<Word> words;
    for (int depth = 0; at_ < zone_.size();) {
      const char c = zone_[at_];
      if (c == '\n' && depth == 0) {
        ++at_;
        return words;
      }
      if (c == ';') {
        at_ = std::min(zone_.find('\n', at_), zone_.size());
      } else if (c == '(' || c == ')') {
        depth += c == '(' ? 1 : -1;
        ++at_;
      } else if (kSpace.find(c) != std::string_view::npos) {
        ++at_;
      } else if (c == '"') {
        auto text = read_quoted();
        if (!text) return text.failure();
        words.push_back({std::move(*text), true});
      } else {
        const auto end = std::min(zone_.find_first_of(" \t\r\n;()\"", at_), zone_.size());
        words.push_back({std::string(zone_.substr(at_, end - at_))});
        at_ = end;
      }
    }
    return words;
  }

  Result<std::string> read_quoted() {
    std::string text;
    for (++at_; at_ < zone_.size(); ++at_) {
      if (zone_[at_] == '"') {
        ++at_;
        return text;
      }
      text += zone_[at_] == '\\' ? read_escaped() : zone_[at_];
    }
    return fail(Fault::bad_parameter, "the zone file ends within a string");
  }

  /// RFC 1035 5.1: \DDD is the octet of that number, \X is X. Stops at its last character.
  char read_escaped() {
    const auto digits = zone_.substr(at_ + 1, 3);
    const bool is_number = digits.size() == 3 &&
                           std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
    const int number =
        is_number ? (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0') : 256;
    if (number <= 255) {
      at_ += 3;
      return static_cast<char>(number);
    }
    if (at_ + 1 < zone_.size()) ++at_;
    return zone_[at_];
  }

  void take(const std::vector<Word>& words, bool keeps_owner) {
    const std::string& first = words.front().text;
    if (!keeps_owner && first.starts_with('$')) {
      if (lower(first) == "$origin" && words.size() > 1) origin_ = complete(words[1].text);
      return;
    }
    std::size_t at = 0;
    if (!keeps_owner) owner_ = complete(words[at++].text);
    while (at < words.size() && !words[at].is_quoted && lower(words[at].text) != "txt") ++at;
    if (at >= words.size() || words[at].is_quoted) return;
    ZoneRecord record{.owner = owner_, .text = {}};
    for (++at; at < words.size(); ++at) record.text += words[at].text;
    records_.push_back(std::move(record));
  }

  /// RFC 1035 5.1: a name without a last dot is under the origin, where the file says one.
  [[nodiscard]] std::string complete(const std::string& name) const {
    if (origin_.empty() || name.ends_with('.')) return name;
    if (name == "@") return origin_;
    return name + (origin_ == "." ? "" : ".") + origin_;
  }

  std::string_view zone_;
  std::size_t at_ = 0;
  std::string origin_;  // Of $ORIGIN.
  std::string owner_;
  std::vector<ZoneRecord> records_;
};

/// "s1._domainkey[.domain.]" gives "s1", "s1" gives itself; empty for another domain's.
std::string selector_in(const std::string& owner, const Domain& domain) {
  constexpr std::string_view kMiddle = "._domainkey";
  const auto name = lower(owner);
  const auto middle = name.find(kMiddle);
  if (middle == std::string::npos) return name.ends_with('.') ? std::string() : owner;
  const auto rest = name.substr(middle + kMiddle.size());
  const bool fits =
      rest.empty() || rest == "." + domain.text() + "." || rest == "." + domain.text();
  return fits ? owner.substr(0, middle) : std::string();
}

}  // namespace

Result<std::vector<ZoneRecord>> parse_txt_records(std::string_view zone) {
  return ZoneReader(zone).read();
}

Result<std::string> find_selector(const std::filesystem::path& zone,
                                  const std::filesystem::path& file, const Domain& domain) {
  std::ifstream stream(zone);
  if (!stream) return fail(Fault::not_found, zone.string() + ": can't be read");
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  const auto records = parse_txt_records(text);
  if (!records) return records.failure();
  const auto key = load_foreign_key(file);
  if (!key) return key.failure();
  const auto ours = decode_base64(key->key.public_base64());
  for (const ZoneRecord& record : *records) {
    const auto parsed = parse_key_record(record.text);
    const auto selector = selector_in(record.owner, domain);
    if (parsed && ours && parsed->key == *ours && is_selector(selector)) return selector;
  }
  return fail(Fault::not_found, zone.string() + ": no record of " + domain.text() +
                                    " holds the key in " + file.string());
}

}  // namespace signet::keys
