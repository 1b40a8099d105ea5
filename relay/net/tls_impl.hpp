// The OpenSSL side of ServerTls and ClientTls, for the tls*.cpp and stream*.cpp files only.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "relay/net/tls.hpp"

namespace signet::net {

struct SslContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using UniqueSslContext = std::unique_ptr<SSL_CTX, SslContextFree>;
struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using UniqueSsl = std::unique_ptr<SSL, SslFree>;

struct ServerTls::Impl {
  /// The context whose certificate carries `name`, wildcards included; null: none.
  [[nodiscard]] SSL_CTX* find(std::string_view name) const;

  std::vector<UniqueSslContext> contexts;             ///< The first is the default.
  std::unordered_map<std::string, SSL_CTX*> by_name;  ///< Lower case; "*.example.com" as written.
};

struct ClientTls::Impl {
  UniqueSslContext context;
};

/// dNSNames of a certificate, lower case, as written; without any its CN (RFC 6125 6.4.4).
[[nodiscard]] std::vector<std::string> subject_names(X509* certificate);

/// SNI (never an address, RFC 6066 3) and the name that the peer's certificate must carry.
[[nodiscard]] bool set_expected_name(SSL* ssl, std::string_view server_name);

/// Empties this thread's OpenSSL error queue into one line; "unknown error" when it is empty.
[[nodiscard]] std::string take_tls_errors();

}  // namespace signet::net
