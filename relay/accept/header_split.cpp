#include "relay/accept/header_split.hpp"

namespace signet::accept {

std::string_view HeaderSplit::feed(std::string_view slice) {
  if (complete_) return slice;
  if (too_big_) return {};
  // The end may straddle the slices, so the search begins in the last octets gathered before. Two
  // octets more than allowed are enough to see the empty line after the longest header.
  const std::size_t before = block_.size();
  block_.append(slice.substr(0, most_ + 2 - before));
  std::size_t end = 0;
  std::size_t next = 2;
  if (!block_.starts_with("\r\n")) {
    const std::size_t found = block_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    end = found == std::string::npos ? found : found + 2;
    next = found == std::string::npos ? found : found + 4;
  }
  complete_ = end != std::string::npos;
  too_big_ = !complete_ && block_.size() == most_ + 2;
  if (too_big_) block_ = {};
  if (too_big_ || !complete_) return {};
  block_.resize(end);
  return slice.substr(next - before);
}

}  // namespace signet::accept
