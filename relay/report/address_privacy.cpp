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

namespace signet::report {
namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kHashSize = 8;
constexpr std::string_view kEscapedQuote = "\\\"";

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

/// Where the local part that ends before `at` begins; `at` where there is none.
std::size_t local_begin(std::string_view line, std::size_t at) {
  if (line.substr(0, at).ends_with(kEscapedQuote) && at > 2) {
    const auto open = line.rfind(kEscapedQuote, at - 3);
    return open == std::string_view::npos ? at : open;
  }
  std::size_t begin = at;
  while (begin > 0 && is_local(line[begin - 1])) --begin;
  // After an odd number of backslashes the rest of an escape (RFC 8259 7) is no part of it.
  std::size_t backslashes = 0;
  while (backslashes < begin && line[begin - 1 - backslashes] == '\\') ++backslashes;
  if (backslashes % 2 == 1) begin = std::min(begin + (line[begin] == 'u' ? 5 : 1), at);
  return begin;
}

std::size_t domain_end(std::string_view line, std::size_t at) {
  std::size_t end = at + 1;
  while (end < line.size() && is_domain(line[end])) ++end;
  while (end > at + 1 && line[end - 1] == '.') --end;  // Of the sentence.
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
  std::string redacted;
  std::size_t copied = 0;
  for (std::size_t at = line.find('@'); at != std::string_view::npos; at = line.find('@', at + 1)) {
    const std::size_t begin = std::max(local_begin(line, at), copied);
    const std::size_t end = domain_end(line, at);
    if (begin == at || end == at + 1) continue;
    redacted.append(line.substr(copied, begin - copied));
    if (privacy.addresses == Addresses::hashed)
      redacted += hash_of(line.substr(begin, end - begin), privacy.key);
    redacted.append(line.substr(at, end - at));
    copied = end;
  }
  return redacted.append(line.substr(copied));
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
