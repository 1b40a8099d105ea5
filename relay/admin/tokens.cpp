#include "relay/admin/tokens.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <span>

#include "keys/secret_file.hpp"

namespace signet::admin {
namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxToken = 512;
constexpr std::string_view kPrefix = "signet_";  // Scanners for leaked secrets can find it.
constexpr std::string_view kBlank = " \t";
constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

using Hash = std::array<std::uint8_t, 32>;

Hash hash_of(std::string_view token) {
  Hash hash{};
  EVP_Digest(token.data(), token.size(), hash.data(), nullptr, EVP_sha256(), nullptr);
  return hash;
}

std::string to_hex(std::span<const std::uint8_t> octets) {
  std::string text;
  for (const std::uint8_t octet : octets) {
    text.push_back(kHex[octet >> 4U]);
    text.push_back(kHex[octet & 15U]);
  }
  return text;
}

std::optional<Hash> parse_hash(std::string_view text) {
  Hash hash{};
  if (text.size() != 2 * hash.size()) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'F' ? static_cast<char>(text[i] + 32) : text[i];
    const auto digit = kHex.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    hash[i / 2] = static_cast<std::uint8_t>(std::size_t{hash[i / 2]} << 4U | digit);
  }
  return hash;
}

/// The next word of `line`, which it leaves; empty at the end.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  const auto end = std::min(line.find_first_of(kBlank), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

std::optional<Scope> parse_scope(std::string_view text) {
  if (text == "read") return Scope::read;
  if (text == "write") return Scope::write;
  return std::nullopt;
}

Result<Tokens::Token> parse_line(std::string_view line) {
  const std::string_view name = take_word(line);
  const auto scope = parse_scope(take_word(line));
  const auto hash = parse_hash(take_word(line));
  if (!is_token_name(name))
    return fail(Fault::configuration, "the name is 1 to 64 letters, digits, '.', '_' or '-'");
  if (!scope) return fail(Fault::configuration, "the scope is read or write");
  if (!hash || !take_word(line).empty())
    return fail(Fault::configuration,
                "the third and last word is the token's SHA-256, 64 hexadecimal digits: "
                "'signet token new' prints such lines");
  return Tokens::Token{std::string(name), *scope, *hash};
}

}  // namespace

std::string_view name_of(Scope scope) { return scope == Scope::read ? "read" : "write"; }

bool is_token_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && std::ranges::all_of(name, [](char c) {
    return kLetters.contains(c) || kDigits.contains(c) || c == '.' || c == '_' || c == '-';
  });
}

Result<Tokens> Tokens::parse(std::string_view text) {
  Tokens tokens;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::string_view rest = line;
    const std::string_view first = take_word(rest);
    if (first.empty() || first.starts_with('#')) continue;
    auto token = parse_line(line);
    const std::string where = "line " + std::to_string(number) + ": ";
    if (!token) return fail(Fault::configuration, where + token.error().detail);
    if (std::ranges::find(tokens.tokens_, token->name, &Token::name) != tokens.tokens_.end())
      return fail(Fault::configuration, where + "the name stands above already");
    tokens.tokens_.push_back(std::move(*token));
  }
  return tokens;
}

Result<Tokens> Tokens::load(const std::filesystem::path& file) {
  const auto text = keys::read_group_secret(file);
  if (!text) return fail(Fault::configuration, text.error().detail);
  auto tokens = parse(text->view());
  if (!tokens) return fail(Fault::configuration, file.string() + ": " + tokens.error().detail);
  return tokens;
}

const Tokens::Token* Tokens::find(std::string_view token) const {
  const Hash hash = hash_of(token);
  const Token* found = nullptr;
  for (const Token& known : tokens_) {
    if (CRYPTO_memcmp(known.hash.data(), hash.data(), hash.size()) == 0) found = &known;
  }
  return found;
}

std::optional<std::string_view> bearer_token(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return std::nullopt;
  const bool is_bearer = std::ranges::equal(
      authorization.substr(0, kScheme.size()), kScheme,
      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b; });
  if (!is_bearer) return std::nullopt;
  const std::string_view token = authorization.substr(kScheme.size());
  constexpr std::string_view kOthers = "-._~+/=";  // token68 of RFC 9110 11.2.
  const bool is_token = token.size() <= kMaxToken && std::ranges::all_of(token, [&](char c) {
                          return kLetters.contains(c) || kDigits.contains(c) || kOthers.contains(c);
                        });
  if (!is_token) return std::nullopt;
  return token;
}

Result<NewToken> make_token(std::string_view name, Scope scope) {
  std::array<std::uint8_t, 32> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    return fail(Fault::local_error, "no random numbers");
  NewToken made;
  made.token = std::string(kPrefix) + to_hex(random);
  OPENSSL_cleanse(random.data(), random.size());
  made.line =
      std::string(name) + " " + std::string(name_of(scope)) + " " + to_hex(hash_of(made.token));
  return made;
}

}  // namespace signet::admin
