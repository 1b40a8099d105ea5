#include "relay/sign/canonicalisation.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace signet::sign {
namespace {

constexpr bool is_wsp(char c) { return c == ' ' || c == '\t'; }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// True for the octets that end a run which can be copied as it is.
constexpr auto kRelaxedStops = [] {
  std::array<bool, 256> stops{};
  for (const char c : {' ', '\t', '\r', '\n'}) stops[static_cast<unsigned char>(c)] = true;
  return stops;
}();
constexpr bool is_stop(char c) { return kRelaxedStops[static_cast<unsigned char>(c)]; }

}  // namespace

void FreeDigest::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) std::abort();
}

void Sha256::add(std::string_view octets) {
  if (EVP_DigestUpdate(context_.get(), octets.data(), octets.size()) != 1) std::abort();
}

std::string Sha256::finish() {
  std::string digest(32, '\0');
  if (EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()),
                         nullptr) != 1)
    std::abort();
  return digest;
}

BodyHash::BodyHash(Canonicalisation mode, std::optional<std::uint64_t> limit)
    : mode_(mode), left_(limit.value_or(std::numeric_limits<std::uint64_t>::max())) {}

void BodyHash::add(std::string_view slice) {
  if (mode_ == Canonicalisation::relaxed)
    add_relaxed(slice);
  else
    add_simple(slice);
}

void BodyHash::add_relaxed(std::string_view slice) {
  const char* at = slice.data();
  const char* const end = at + slice.size();
  while (at != end) {
    const char* run = at;
    // A single space between two words stays as it is, so most runs are whole lines.
    while (at != end &&
           (!is_stop(*at) || (*at == ' ' && at != run && end - at > 1 && !is_stop(at[1]))))
      ++at;
    if (at != run) {
      begin_content();
      put({run, static_cast<std::size_t>(at - run)});
      if (at == end) return;
    }
    const char c = *at++;
    if (c == '\n' && cr_) {
      cr_ = space_ = false;
      if (content_)
        put("\r\n");
      else
        ++blank_lines_;
      content_ = false;
    } else if (c == '\r') {
      if (cr_) begin_content();
      cr_ = true;
    } else if (c == '\n') {
      begin_content();
      put(c);
    } else {
      if (cr_) begin_content();
      space_ = true;
    }
  }
}

void BodyHash::add_simple(std::string_view slice) {
  while (!slice.empty()) {
    const auto run = slice.substr(0, slice.find_first_of("\r\n"));
    if (!run.empty()) {
      begin_content();
      put(run);
      slice.remove_prefix(run.size());
      continue;
    }
    const char c = slice.front();
    slice.remove_prefix(1);
    if (c == '\n' && cr_) {
      cr_ = false;
      if (content_)
        put("\r\n");
      else
        ++blank_lines_;
      content_ = false;
    } else {
      if (cr_ || c == '\n') begin_content();
      cr_ = c == '\r';
      if (!cr_) put(c);
    }
  }
}

// Something to keep follows: what was held back before it counts.
void BodyHash::begin_content() {
  for (; blank_lines_ != 0; --blank_lines_) put("\r\n");
  if (space_) put(' ');
  if (cr_) put('\r');
  space_ = cr_ = false;
  content_ = true;
}

std::string BodyHash::finish() {
  if (cr_) begin_content();
  if (content_ || (mode_ == Canonicalisation::simple && size_ + buffered_ == 0)) put("\r\n");
  flush();
  return hash_.finish();
}

void BodyHash::put(std::string_view octets) {
  if (octets.size() > buffer_.size() - buffered_) {
    flush();
    if (octets.size() > buffer_.size()) {
      size_ += octets.size();
      octets =
          octets.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, octets.size())));
      left_ -= octets.size();
      hash_.add(octets);
      return;
    }
  }
  std::memcpy(buffer_.data() + buffered_, octets.data(), octets.size());
  buffered_ += octets.size();
}

void BodyHash::put(char octet) {
  if (buffered_ == buffer_.size()) flush();
  buffer_[buffered_++] = octet;
}

void BodyHash::flush() {
  size_ += buffered_;
  const auto counts = static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffered_));
  hash_.add({buffer_.data(), counts});
  left_ -= counts;
  buffered_ = 0;
}

Result<std::vector<HeaderField>> split_header(std::string_view block, const FieldLimits& limits) {
  std::vector<HeaderField> fields;
  while (!block.empty()) {
    std::size_t end = 0;
    do {
      end = block.find("\r\n", end);
      if (end == std::string_view::npos) return fail(Fault::header_malformed, "no CRLF at the end");
      end += 2;
    } while (end < block.size() && is_wsp(block[end]));
    HeaderField field{{}, block.substr(0, end)};
    block.remove_prefix(end);

    auto name = field.text.substr(0, field.text.find(':'));
    if (name.size() == field.text.size()) return fail(Fault::header_malformed, "no colon");
    while (!name.empty() && is_wsp(name.back())) name.remove_suffix(1);
    if (name.empty()) return fail(Fault::header_malformed, "no field name");
    if (name.size() > limits.name_bytes) return fail(Fault::header_too_big, "field name too long");
    if (fields.size() == limits.fields) return fail(Fault::header_too_big, "too many fields");
    field.name.reserve(name.size());
    for (const char c : name) {
      if (c <= ' ' || c > '~') return fail(Fault::header_malformed, "bad octet in a field name");
      field.name += lower(c);
    }
    fields.push_back(std::move(field));
  }
  return fields;
}

void append_canonical(std::string& out, Canonicalisation mode, std::string_view text) {
  if (text.ends_with("\r\n")) text.remove_suffix(2);
  if (mode == Canonicalisation::simple) {
    out.append(text).append("\r\n");
    return;
  }
  const auto colon = text.find(':');
  for (const char c : text.substr(0, colon))
    if (!is_wsp(c)) out += lower(c);
  out += ':';
  text.remove_prefix(colon + 1);
  bool space = false;
  bool begun = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_wsp(c)) {
      space = true;
    } else if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
      ++i;
    } else {
      if (space && begun) out += ' ';
      space = false;
      begun = true;
      out += c;
    }
  }
  out += "\r\n";
}

std::string canonical_header(const std::vector<HeaderField>& fields,
                             const std::vector<std::string>& names, Canonicalisation mode) {
  std::string out;
  std::vector<bool> used(fields.size());
  for (const auto& name : names) {
    for (std::size_t i = fields.size(); i-- > 0;) {
      if (used[i] || fields[i].name != name) continue;
      used[i] = true;
      append_canonical(out, mode, fields[i].text);
      break;
    }
  }
  return out;
}

}  // namespace signet::sign
