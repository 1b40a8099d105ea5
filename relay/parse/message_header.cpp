#include "relay/parse/message_header.hpp"

#include <algorithm>
#include <utility>

#include "relay/parse/lines.hpp"
#include "relay/smtp/characters.hpp"

namespace signet::parse {
namespace {

Failure refuse(const char* why) { return fail(Fault::header_malformed, why, why); }

bool is_refused_control(char c) {
  return smtp::is_control(c) && c != '\t' && c != '\r' && c != '\n';
}

// Without an early exit, so that it is done many octets at a time.
bool has_refused_control(std::string_view text) {
  bool found = false;
  for (const char c : text) found |= is_refused_control(c);
  return found;
}

bool is_white_space_only(std::string_view line) {
  return line.find_first_not_of(" \t") == std::string_view::npos;
}

bool is_field_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
}

std::uint32_t offset(std::size_t at) { return static_cast<std::uint32_t>(at); }

}  // namespace

/// Goes over the lines of a block once and collects the fields.
class MessageHeader::Scanner {
 public:
  Scanner(std::string_view block, const HeaderLimits& limits) : block_(block), limits_(limits) {}

  Result<std::vector<Field>> run() {
    if (block_.size() > limits_.bytes) return fail(Fault::header_too_big, "too many octets");
    if (block_.find('\0') != std::string_view::npos)
      return fail(Fault::nul_in_message, "NUL in the header");
    if (has_refused_control(block_)) return refuse("Control octet in the message header");
    for (std::size_t at = 0; at < block_.size();) {
      const std::size_t lf = block_.find('\n', at);
      if (auto taken = take_line(at, lf); !taken) return taken.failure();
      at = lf + 1;
    }
    return std::move(fields_);
  }

 private:
  Result<void> take_line(std::size_t begin, std::size_t lf) {
    if (lf == std::string_view::npos) return refuse("Message header does not end in CRLF");
    std::string_view line = block_.substr(begin, lf - begin);
    if (line.find('\r') != line.size() - 1 || line.empty())
      return refuse("Bare CR or LF in the message header");
    line.remove_suffix(1);
    if (line.empty()) return refuse("Empty line in the message header");
    if (line.size() > kMaxLine) return fail(Fault::line_over_998, "header line too long");
    auto taken = smtp::is_wsp(line.front()) ? take_continuation(line) : take_field(begin, line);
    if (taken) fields_.back().end = offset(lf + 1);
    return taken;
  }

  Result<void> take_continuation(std::string_view line) const {
    if (fields_.empty()) return refuse("Message header begins with a continuation line");
    // Some readers take such a line for the end of the header.
    if (is_white_space_only(line)) return refuse("Continuation line of white space only");
    return {};
  }

  Result<void> take_field(std::size_t begin, std::string_view line) {
    const std::size_t colon = line.find(':');
    if (line.starts_with("From ") && line.substr(0, colon).find_first_not_of(" \t", 5) != line.npos)
      return refuse("Message begins with an mbox \"From \" line: send it without that line");
    if (colon == std::string_view::npos) return refuse("Header line without a colon");
    const std::string_view name = line.substr(0, colon);
    if (!name.empty() && smtp::is_wsp(name.back()))
      return refuse("White space before the colon of a header field");
    if (!is_field_name(name)) return refuse("Malformed header field name");
    if (name.size() > limits_.name_bytes) return refuse("Header field name too long");
    if (fields_.size() == limits_.fields) return fail(Fault::header_too_big, "too many fields");
    fields_.push_back({.begin = offset(begin), .name_size = offset(colon), .end = 0});
    return {};
  }

  std::string_view block_;
  const HeaderLimits& limits_;
  std::vector<Field> fields_;
};

Result<MessageHeader> MessageHeader::parse(std::string block, const HeaderLimits& limits) {
  auto fields = Scanner(block, limits).run();
  if (!fields) return fields.failure();
  MessageHeader header;
  header.block_ = std::move(block);
  header.fields_ = std::move(*fields);
  return header;
}

std::string_view MessageHeader::value(const Field& field) const {
  std::string_view value = text(field);
  value.remove_prefix(field.name_size + 1);
  value.remove_suffix(2);
  return value;
}

std::size_t MessageHeader::count(std::string_view wanted) const {
  return static_cast<std::size_t>(std::ranges::count_if(fields_, [&](const Field& field) {
    return smtp::equals_ignoring_case(name(field), wanted);
  }));
}

const Field* MessageHeader::find(std::string_view wanted) const {
  const auto found = std::ranges::find_if(
      fields_, [&](const Field& field) { return smtp::equals_ignoring_case(name(field), wanted); });
  return found == fields_.end() ? nullptr : &*found;
}

bool MessageHeader::has_eight_bit() const { return smtp::has_eight_bit(block_); }

void MessageHeader::prepend(std::string_view fields_with_crlf) {
  block_.insert(0, fields_with_crlf);
  index();
}

void MessageHeader::append(std::string_view fields_with_crlf) {
  block_.append(fields_with_crlf);
  index();
}

void MessageHeader::remove(std::string_view wanted) {
  std::string kept;
  for (const Field& field : fields_) {
    if (!smtp::equals_ignoring_case(name(field), wanted)) kept.append(text(field));
  }
  if (kept.size() == block_.size()) return;
  block_ = std::move(kept);
  index();
}

void MessageHeader::replace(const Field& field, std::string_view field_with_crlf) {
  const Field old = field;  // It may be one of those that move.
  block_.replace(old.begin, old.end - old.begin, field_with_crlf);
  const auto shift = offset(field_with_crlf.size()) - (old.end - old.begin);
  for (Field& other : fields_) {
    if (other.begin > old.begin) other.begin += shift;
    if (other.begin >= old.begin) other.end += shift;
    if (other.begin == old.begin) other.name_size = offset(field_with_crlf.find(':'));
  }
}

// Where the fields are, of a block known to be well-formed.
void MessageHeader::index() {
  fields_.clear();
  for (std::size_t at = 0; at < block_.size();) {
    const std::size_t next = block_.find('\n', at) + 1;
    if (!smtp::is_wsp(block_[at]))
      fields_.push_back(
          {.begin = offset(at), .name_size = offset(block_.find(':', at) - at), .end = 0});
    fields_.back().end = offset(next);
    at = next;
  }
}

}  // namespace signet::parse
