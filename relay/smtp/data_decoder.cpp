#include <algorithm>

#include "relay/smtp/characters.hpp"
#include "relay/smtp/data.hpp"

namespace signet::smtp {

Result<DataDecoder::Step> DataDecoder::decode(std::string_view input, std::string& out) {
  const std::string_view text = input.substr(0, input.find('\0'));
  std::size_t at = 0;
  while (at < text.size() && !ended_ && !failed_)
    at = at_ == At::text ? copy_lines(text, at, out) : step(text, at, out);
  if (!ended_ && !failed_ && text.size() < input.size()) {
    if (at_ == At::after_cr || at_ == At::after_dot_cr)
      refuse(Fault::bare_newline, "CR before NUL");
    else
      refuse(Fault::nul_in_message, "NUL in the data");
  }
  if (failed_) return fail(*failed_);
  saw_eight_bit_ = saw_eight_bit_ || has_eight_bit(text.substr(0, at));
  return Step{.consumed = at, .ended = ended_};
}

// The common case: as many whole lines as there are, up to one that begins with a dot, in one copy.
std::size_t DataDecoder::copy_lines(std::string_view text, std::size_t begin, std::string& out) {
  std::size_t at = begin;
  while (at_ == At::text && at < text.size()) {
    const std::size_t lf = std::min(text.find('\n', at), text.size());
    const std::size_t stop = at + std::min(text.substr(at, lf - at).find('\r'), lf - at);
    count(stop - at);
    if (failed_) return stop;
    at = stop;
    if (at == text.size()) break;
    if (stop + 1 == text.size() && stop != lf) {
      at_ = At::after_cr;
      break;
    }
    if (stop == lf) {
      out.append(text.substr(begin, at - begin));
      take_bare_lf(out);
      return at + 1;
    }
    if (stop + 1 != lf) {
      refuse(Fault::bare_newline, "bare CR");
      return stop;
    }
    at = lf + 1;
    line_ = 0;
    const bool may_be_dot = at == text.size() || text[at] == '.';
    if (may_be_dot && !options_.by_size) at_ = At::line_start;
  }
  out.append(text.substr(begin, at - begin));
  return at + (at_ == At::after_cr ? 1 : 0);
}

// One octet of framing. A state that an octet does not concern leaves it to the next call.
std::size_t DataDecoder::step(std::string_view text, std::size_t at, std::string& out) {
  const char c = text[at];
  switch (at_) {
    case At::line_start:
      at_ = c == '.' ? At::after_dot : At::text;
      return c == '.' ? at + 1 : at;
    case At::after_cr:
      if (c != '\n') break;
      out += "\r\n";
      line_ = 0;
      at_ = options_.by_size ? At::text : At::line_start;
      return at + 1;
    case At::after_dot:
      if (c == '\r') {
        at_ = At::after_dot_cr;
        return at + 1;
      }
      // CRLF.LF: a lone dot that does not end the data.
      if (c == '\n' && options_.repair_bare_lf) out += '.';
      at_ = At::text;
      return at;
    case At::after_dot_cr:
      if (c != '\n') break;
      ended_ = true;
      return at + 1;
    case At::after_lf:
      at_ = c == '.' ? At::after_lf_dot : At::text;
      return c == '.' ? at + 1 : at;
    case At::after_lf_dot:
      out += '.';
      count(1);
      at_ = At::text;
      return c == '.' ? at + 1 : at;
    case At::text:
      return at;
  }
  refuse(Fault::bare_newline, "bare CR");
  return at;
}

void DataDecoder::take_bare_lf(std::string& out) {
  if (!options_.repair_bare_lf) return refuse(Fault::bare_newline, "bare LF");
  out += "\r\n";
  repaired_bare_lf_ = true;
  line_ = 0;
  if (!options_.by_size) at_ = At::after_lf;
}

Result<void> DataDecoder::finish(std::string& out) {
  if (at_ == At::after_cr && !failed_) refuse(Fault::bare_newline, "bare CR at the end");
  if (failed_) return fail(*failed_);
  if (line_ > 0) out += "\r\n";
  ended_ = true;
  return {};
}

void DataDecoder::count(std::size_t octets) {
  line_ += octets;
  if (line_ <= options_.max_line) return;
  saw_long_line_ = true;
  if (!options_.allow_long_lines) refuse(Fault::line_over_998, "line too long in the data");
}

void DataDecoder::refuse(Fault fault, const char* what) { failed_ = Error{fault, what}; }

}  // namespace signet::smtp
