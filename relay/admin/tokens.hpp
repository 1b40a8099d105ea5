// Bearer tokens (RFC 6750) of the admin listener, and the file that names them.
//
//   file  = *( line LF )
//   line  = "" / "#" words / NAME SP SCOPE SP HASH     any number of spaces and tabs between
//   NAME  = 1*64( letter / digit / "." / "_" / "-" )   for the audit log; used once
//   SCOPE = "read" / "write"                           write may read too
//   HASH  = 64 hexadecimal digits                      SHA-256 of the token
//
// A token is 256 random bits, so a plain hash is enough: nobody guesses one, and who reads the file
// can't use it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/base/result.hpp"

namespace signet::admin {

enum class Scope { read, write };
[[nodiscard]] std::string_view name_of(Scope scope);

class Tokens {
 public:
  struct Token {
    std::string name;
    Scope scope = Scope::read;
    std::array<std::uint8_t, 32> hash{};
  };

  Tokens() = default;
  /// Fault: configuration (line and reason; never the line itself).
  [[nodiscard]] static Result<Tokens> parse(std::string_view text);
  /// A file that others may not read, ours or root's. Fault: configuration.
  [[nodiscard]] static Result<Tokens> load(const std::filesystem::path& file);

  /// Null if it is none of them. Takes the same time whatever it is compared with.
  [[nodiscard]] const Token* find(std::string_view token) const;
  [[nodiscard]] std::size_t size() const { return tokens_.size(); }

 private:
  std::vector<Token> tokens_;
};

/// The token of an Authorization field (RFC 6750 2.1); nothing if it is none. Valid while the field
/// is.
[[nodiscard]] std::optional<std::string_view> bearer_token(std::string_view authorization);

[[nodiscard]] bool is_token_name(std::string_view name);

struct NewToken {
  std::string token;  ///< For who asks; kept nowhere.
  std::string line;   ///< For the file.
};
/// Fault: local_error (no random numbers).
[[nodiscard]] Result<NewToken> make_token(std::string_view name, Scope scope);

}  // namespace signet::admin
