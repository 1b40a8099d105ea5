#include "keys/tag_list.hpp"

#include <algorithm>
#include <string>

namespace signet::keys {
namespace {

constexpr std::size_t kMaxTags = 100;

constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_name_char(char c) { return is_alpha(c) || (c >= '0' && c <= '9') || c == '_'; }
constexpr bool is_wsp(char c) { return c == ' ' || c == '\t'; }

// RFC 6376 2.8. False when CR or LF stands where no folding does.
bool skip_fws(std::string_view& text) {
  while (!text.empty()) {
    if (is_wsp(text.front())) {
      text.remove_prefix(1);
    } else if (text.front() == '\r' || text.front() == '\n') {
      if (text.size() < 3 || !text.starts_with("\r\n") || !is_wsp(text[2])) return false;
      text.remove_prefix(3);
    } else {
      return true;
    }
  }
  return true;
}

bool is_value(std::string_view text) {
  while (true) {
    const auto run = std::ranges::find_if(text, [](char c) { return c < '!' || c > '~'; });
    text.remove_prefix(static_cast<std::size_t>(run - text.begin()));
    if (text.empty()) return true;
    const auto before = text.size();
    if (!skip_fws(text) || text.size() == before) return false;
  }
}

std::string_view trim_end(std::string_view text) {
  return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

}  // namespace

Result<TagList> TagList::parse(std::string_view text) {
  TagList list;
  while (true) {
    if (!skip_fws(text)) return fail(Fault::bad_parameter, "bad folding");
    if (text.empty()) break;
    Tag tag;
    const auto name_end = std::ranges::find_if_not(text, is_name_char) - text.begin();
    tag.name = text.substr(0, static_cast<std::size_t>(name_end));
    if (tag.name.empty() || !is_alpha(tag.name.front()))
      return fail(Fault::bad_parameter, "bad tag name");
    text.remove_prefix(tag.name.size());
    if (!skip_fws(text) || !text.starts_with('='))
      return fail(Fault::bad_parameter, "tag without '='");
    text.remove_prefix(1);
    const auto end = std::min(text.find(';'), text.size());
    tag.raw = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    tag.value = tag.raw;
    if (!skip_fws(tag.value)) return fail(Fault::bad_parameter, "bad folding");
    tag.value = trim_end(tag.value);
    if (!is_value(tag.value)) return fail(Fault::bad_parameter, "bad octet in a tag");
    if (list.find(tag.name) != nullptr)
      return fail(Fault::bad_parameter, "tag " + std::string(tag.name) + " twice");
    if (list.tags_.size() == kMaxTags) return fail(Fault::bad_parameter, "too many tags");
    list.tags_.push_back(tag);
  }
  if (list.tags_.empty()) return fail(Fault::bad_parameter, "no tags");
  return list;
}

const Tag* TagList::find(std::string_view name) const {
  const auto found = std::ranges::find(tags_, name, &Tag::name);
  return found == tags_.end() ? nullptr : &*found;
}

}  // namespace signet::keys
