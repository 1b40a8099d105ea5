// Hands a key that is already loaded to libopendkim, which only knows how to parse PEM text.
//
// libopendkim loads its key through PEM_read_bio_PrivateKey. The definition in loaded_key.cpp takes
// that symbol's place: while a SigningWith lives on the thread, and only for the marker text, it
// answers with the loaded key; otherwise it calls the real function. A text in a file can name
// nobody's key, and private octets are never copied. What OpenSSL derives from the key while it
// signs is secret memory.
#pragma once

#include <string_view>

#include "relay/base/secret_memory.hpp"

struct evp_pkey_st;

namespace signet::sign {

/// What libopendkim is given as the key: begins as PEM does, is none.
constexpr std::string_view kLoadedKeyMarker = "-----SIGNET LOADED KEY-----\n";

class SigningWith {
 public:
  /// `key` must outlive this. At most one on a thread at a time.
  explicit SigningWith(evp_pkey_st* key);
  ~SigningWith();
  SigningWith(const SigningWith&) = delete;
  SigningWith& operator=(const SigningWith&) = delete;

  /// The key with a reference of the caller's own, or null.
  [[nodiscard]] static evp_pkey_st* take(std::string_view text);
  /// How many references were handed out.
  [[nodiscard]] unsigned taken() const { return taken_; }

 private:
  SecretScope scope_;
  evp_pkey_st* key_;
  unsigned taken_ = 0;
};

}  // namespace signet::sign
