#include <algorithm>

#include "relay/smtp/data.hpp"

namespace signet::smtp {

void DataEncoder::encode(std::string_view slice, std::string& out) {
  std::size_t copied = 0;
  for (std::size_t at = 0; at < slice.size();) {
    if (at_line_start_ && slice[at] == '.') {
      out.append(slice.substr(copied, at - copied)).append(1, '.');
      copied = at;
    }
    const std::size_t lf = std::min(slice.find('\n', at), slice.size());
    const bool is_line_end = lf < slice.size() && (lf > 0 ? slice[lf - 1] == '\r' : after_cr_);
    at_line_start_ = is_line_end;
    at = std::min(lf + 1, slice.size());
  }
  out.append(slice.substr(copied));
  if (!slice.empty()) after_cr_ = slice.back() == '\r';
}

void DataEncoder::finish(std::string& out) {
  if (!at_line_start_) out += after_cr_ ? "\n" : "\r\n";
  out += ".\r\n";
}

}  // namespace signet::smtp
