// DKIM tag lists (RFC 6376 3.2): signatures and key records.
//
//   tag-list = tag-spec *( ";" tag-spec ) [ ";" ]
//   tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "relay/base/result.hpp"

namespace signet::keys {

/// Views into the text that was parsed.
struct Tag {
  std::string_view name;   ///< Case matters.
  std::string_view value;  ///< Without white space around it; may be folded inside.
  std::string_view raw;    ///< Everything between "=" and ";".
};

class TagList {
 public:
  /// Fault: bad_parameter (grammar, a tag twice, an octet no tag may hold, over 100 tags).
  [[nodiscard]] static Result<TagList> parse(std::string_view text);

  /// Null where there is none.
  [[nodiscard]] const Tag* find(std::string_view name) const;
  [[nodiscard]] const Tag& front() const { return tags_.front(); }

 private:
  std::vector<Tag> tags_;
};

/// Calls `take(part)` for each part between colons, white space around it removed.
template <typename Take>
void for_each_part(std::string_view list, Take take) {
  constexpr std::string_view kSpace = " \t\r\n";
  while (true) {
    const auto end = list.find(':');
    auto part = list.substr(0, end);
    part.remove_prefix(std::min(part.find_first_not_of(kSpace), part.size()));
    part = part.substr(0, part.find_last_not_of(kSpace) + 1);
    take(part);
    if (end == std::string_view::npos) return;
    list.remove_prefix(end + 1);
  }
}

}  // namespace signet::keys
