#include "relay/base/domain.hpp"

#include <idn2.h>

#include <algorithm>
#include <memory>

namespace signet {
namespace {

constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxLabel = 63;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_ldh_label(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabel || label.front() == '-' || label.back() == '-')
    return false;
  return std::ranges::all_of(label, [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

bool is_ldh_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxName) return false;
  std::string_view last;
  for (std::size_t start = 0; start <= name.size();) {
    const std::size_t dot = std::min(name.find('.', start), name.size());
    last = name.substr(start, dot - start);
    if (!is_ldh_label(last)) return false;
    start = dot + 1;
  }
  return !std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
}

struct FreeIdn {
  void operator()(char* text) const { idn2_free(text); }
};

// IDNA2008, non-transitional; also checks that A-labels given as such are valid ones.
Result<std::string> to_ascii(const std::string& name) {
  char* raw = nullptr;
  const int status = idn2_to_ascii_8z(name.c_str(), &raw, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, FreeIdn> ascii(raw);
  if (status != IDN2_OK)
    return fail(Fault::bad_parameter, std::string("invalid domain name: ") + idn2_strerror(status));
  return std::string(ascii.get());
}

bool needs_idna(std::string_view name) {
  const bool has_eight_bit =
      std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  return has_eight_bit || name.starts_with("xn--") || name.find(".xn--") != std::string_view::npos;
}

}  // namespace

Result<Domain> Domain::parse(std::string_view text) {
  std::string name(text);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  if (name.find('\0') != std::string::npos) return fail(Fault::bad_parameter, "NUL in domain name");
  if (needs_idna(name)) {
    auto ascii = to_ascii(name);
    if (!ascii) return ascii.failure();
    name = std::move(*ascii);
  }
  if (!is_ldh_name(name)) return fail(Fault::bad_parameter, "invalid domain name");
  return Domain(std::move(name));
}

bool Domain::is_within(const Domain& parent) const {
  if (text_ == parent.text_) return true;
  return text_.size() > parent.text_.size() + 1 && text_.ends_with(parent.text_) &&
         text_[text_.size() - parent.text_.size() - 1] == '.';
}

std::string_view Domain::parent() const {
  const std::size_t dot = text_.find('.');
  return dot == std::string::npos ? std::string_view{} : std::string_view(text_).substr(dot + 1);
}

}  // namespace signet
