#include "relay/report/address_privacy.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <ranges>
#include <vector>

namespace signet::report {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kHashSize = 8;
constexpr std::string_view kEscapedAt = "%40";

/// Of an address: its local part is [begin, at), its domain ends at `end`.
struct Span {
  std::size_t begin;
  std::size_t at;
  std::size_t end;
};

/// RFC 5322 3.2.3 atext, dots, and octets beyond ASCII (RFC 6532).
bool is_local(char c) {
  constexpr std::string_view kSpecial = "!#$%&'*+-/=?^_`{|}~.";
  const auto octet = static_cast<unsigned char>(c);
  return octet >= 0x80 || std::isalnum(octet) != 0 || kSpecial.find(c) != std::string_view::npos;
}

bool is_domain(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet >= 0x80 || std::isalnum(octet) != 0 || c == '-' || c == '.';
}

/// Octets of the @ at `at`, or of its escape in a URL (RFC 3986 2.1); 0: there is none.
std::size_t at_size(std::string_view line, std::size_t at) {
  if (line[at] == '@') return 1;
  return line.substr(at).starts_with(kEscapedAt) ? kEscapedAt.size() : 0;
}

std::size_t backslashes_before(std::string_view line, std::size_t end) {
  std::size_t count = 0;
  while (count < end && line[end - 1 - count] == '\\') ++count;
  return count;
}

std::size_t atom_begin(std::string_view line, std::size_t end) {
  std::size_t begin = end;
  while (begin > 0 && is_local(line[begin - 1])) --begin;
  // After an odd number of backslashes the rest of an escape (RFC 8259 7) is no part of it.
  if (begin < end && backslashes_before(line, begin) % 2 == 1)
    begin = std::min(begin + (line[begin] == 'u' ? 5 : 1), end);
  return begin;
}

/// Of the quoted string (RFC 5322 3.2.4) that ends before `end`, as JSON escapes it; `end` where
/// none does. Without a first quote it is all of the text before.
std::size_t quoted_begin(std::string_view line, std::size_t end) {
  if (end == 0 || line[end - 1] != '"' || backslashes_before(line, end - 1) % 2 == 0) return end;
  for (std::size_t quote = end - 1; quote > 0;) {
    quote = line.rfind('"', quote - 1);
    if (quote == std::string_view::npos) break;
    const std::size_t backslashes = backslashes_before(line, quote);
    if (backslashes % 2 == 0) return quote + 1;  // Of JSON: here the text begins.
    // One is JSON's, the others are pairs: if they are an odd number, the quote is a quoted pair.
    if (backslashes / 2 % 2 == 0) return quote - 1;
  }
  return 0;
}

/// Where the local part that ends before `at` begins; `at` where there is none. Words joined by
/// dots (RFC 5322 4.4): a quote that stands elsewhere is around the address, not in it.
std::size_t local_begin(std::string_view line, std::size_t at) {
  for (std::size_t begin = at;;) {
    const bool ends_word = begin == at || line[begin] == '.';
    const bool follows_dot = begin == at || (begin > 0 && line[begin - 1] == '.');
    std::size_t word = ends_word ? quoted_begin(line, begin) : begin;
    if (word == begin && follows_dot) word = atom_begin(line, begin);
    if (word == begin) return begin;
    begin = word;
  }
}

/// Of the domain or address literal (RFC 5321 4.1.3) that begins at `begin`.
std::size_t domain_end(std::string_view line, std::size_t begin) {
  const bool is_literal = line.substr(begin).starts_with('[');
  std::size_t end = is_literal ? begin + 1 : begin;
  while (end < line.size() && (is_domain(line[end]) || (is_literal && line[end] == ':'))) ++end;
  while (end > begin && line[end - 1] == '.') --end;  // Of the sentence.
  return end;
}

std::string hash_of(std::string_view address, const std::string& key) {
  std::string lower(address);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) {
    return static_cast<char>(c < 0x80 ? std::tolower(c) : c);
  });
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(lower.data()), lower.size(), digest.data(), &size);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < kHashSize; ++i) {
    text += kHex[digest.at(i) >> 4U];
    text += kHex[digest.at(i) & 0xFU];
  }
  return text;
}

Failure no_key(const std::filesystem::path& file, const char* why) {
  return fail(Fault::configuration, file.string() + ": " + why);
}

}  // namespace

std::string redact_addresses(std::string_view line, const AddressPrivacy& privacy) {
  if (privacy.addresses == Addresses::whole) return std::string(line);
  // From the last to the first: an @ in a quoted local part is no other address.
  std::vector<Span> found;
  for (std::size_t i = line.size(), limit = i; i-- > 0;) {
    const std::size_t size = i < limit ? at_size(line, i) : 0;
    if (size == 0) continue;
    const std::size_t end = domain_end(line, i + size);
    if (end == i + size) continue;
    const std::size_t begin = local_begin(line, i);
    if (begin == i) continue;
    found.push_back({.begin = begin, .at = i, .end = std::min(end, std::max(limit, i + size))});
    limit = begin;
  }
  std::string redacted;
  std::size_t copied = 0;
  for (const Span& each : std::views::reverse(found)) {
    redacted.append(line.substr(copied, each.begin - copied));
    if (privacy.addresses == Addresses::hashed)
      redacted += hash_of(line.substr(each.begin, each.end - each.begin), privacy.key);
    redacted.append(line.substr(each.at, each.end - each.at));
    copied = each.end;
  }
  return redacted.append(line.substr(copied));
}

std::string_view plain_target(std::string_view target, std::size_t most) {
  const std::string_view path = target.substr(0, target.find('?'));
  const std::size_t good = std::min(path.find('%'), path.size() > most ? most : path.size());
  return good == path.size() ? path : path.substr(0, path.rfind('/', good) + 1);
}

Result<std::string> address_key(const std::filesystem::path& file) {
  const int made = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made >= 0) {
    std::array<unsigned char, kKeySize> fresh{};
    const bool is_written = RAND_bytes(fresh.data(), kKeySize) == 1 &&
                            ::write(made, fresh.data(), kKeySize) == ssize_t{kKeySize} &&
                            ::fsync(made) == 0;
    ::close(made);
    if (!is_written) {
      ::unlink(file.c_str());
      return no_key(file, "can't be written");
    }
  }
  std::ifstream stored(file, std::ios::binary);
  std::string key((std::istreambuf_iterator<char>(stored)), {});
  if (key.size() != kKeySize) return no_key(file, "holds no key of 32 octets");
  return key;
}

}  // namespace signet::report
