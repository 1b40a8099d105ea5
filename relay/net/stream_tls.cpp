#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "relay/net/stream_impl.hpp"
#include "relay/net/tls_impl.hpp"

namespace signet::net {
namespace {

using Outcome = Attempt::Outcome;

struct X509Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using UniqueX509 = std::unique_ptr<X509, X509Free>;

std::string fingerprint(X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &length) != 1) return {};
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    text += "0123456789abcdef"[digest[i] >> 4U];
    text += "0123456789abcdef"[digest[i] & 15U];
  }
  return text;
}

/// RFC 9266. TLS 1.2 needs more than the exporter to be bound safely, so it has none here.
std::string channel_binding(SSL* ssl) {
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  std::array<unsigned char, 32> value{};
  if (SSL_version(ssl) < TLS1_3_VERSION ||
      SSL_export_keying_material(ssl, value.data(), value.size(), kLabel.data(), kLabel.size(),
                                 nullptr, 0, 0) != 1) {
    return {};
  }
  return {reinterpret_cast<const char*>(value.data()), value.size()};
}

TlsFacts facts_of(SSL* ssl) {
  TlsFacts facts;
  facts.version = SSL_get_version(ssl);
  facts.cipher = SSL_get_cipher_name(ssl);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (SSL_is_server(ssl) != 0 && name != nullptr) facts.server_name = name;
  if (SSL_is_server(ssl) != 0) facts.channel_binding = channel_binding(ssl);
  const UniqueX509 certificate(SSL_get1_peer_certificate(ssl));
  if (!certificate) return facts;
  facts.peer_fingerprint = fingerprint(certificate.get());
  facts.peer_names = subject_names(certificate.get());
  const long verdict = SSL_get_verify_result(ssl);
  facts.peer_verified = verdict == X509_V_OK;
  if (!facts.peer_verified) facts.verify_error = X509_verify_cert_error_string(verdict);
  return facts;
}

/// A fresh connection of `context` on `socket`; null when memory is short.
UniqueSsl make_ssl(SSL_CTX* context, int socket) {
  ERR_clear_error();
  UniqueSsl ssl(SSL_new(context));
  if (ssl && SSL_set_fd(ssl.get(), socket) != 1) ssl.reset();
  return ssl;
}

}  // namespace

Task<Result<void>> Stream::accept_tls(const ServerTls& tls, Timeout timeout) {
  impl_->ssl = make_ssl(tls.impl().contexts.front().get(), impl_->socket.get());
  if (impl_->ssl) SSL_set_accept_state(impl_->ssl.get());
  return Impl::handshake(*impl_, timeout);
}

Task<Result<void>> Stream::connect_tls(const ClientTls& tls, std::string server_name, bool verify,
                                       Timeout timeout) {
  impl_->ssl = make_ssl(tls.impl().context.get(), impl_->socket.get());
  if (auto* ssl = impl_->ssl.get()) {
    SSL_set_verify(ssl, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    // Without verification a weak certificate still beats clear text (RFC 7435).
    if (!verify) SSL_set_security_level(ssl, 1);
    SSL_set_connect_state(ssl);
    if (!set_expected_name(ssl, server_name)) impl_->ssl.reset();
  }
  return Impl::handshake(*impl_, timeout);
}

Task<Result<void>> Stream::Impl::handshake(Impl& impl, Timeout timeout) {
  if (!impl.ssl) co_return fail(Fault::tls_failed, "cannot prepare: " + take_tls_errors());
  const auto deadline = deadline_in(timeout);
  for (;;) {
    ERR_clear_error();
    auto attempt = impl.tls_attempt(SSL_do_handshake(impl.ssl.get()), 0);
    if (attempt.outcome == Outcome::done) break;
    if (attempt.outcome == Outcome::failed) {
      co_return fail(attempt.ended ? Fault::closed : Fault::tls_failed,
                     "handshake: " + attempt.detail);
    }
    const bool ready = co_await Readiness(impl, Side::reader, attempt.outcome, deadline);
    if (!ready) {
      impl.tls_broken = true;
      co_return fail(Fault::timed_out, "TLS handshake");
    }
  }
  impl.facts = facts_of(impl.ssl.get());
  co_return Result<void>();
}

Attempt Stream::Impl::try_tls_read(std::span<char> into) {
  if (tls_broken) return {Outcome::failed, 0, "TLS failed before"};
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_read_ex(ssl.get(), into.data(), into.size(), &count);
  return tls_attempt(result, count);
}

Attempt Stream::Impl::try_tls_write(std::string_view bytes) {
  if (tls_broken) return {Outcome::failed, 0, "TLS failed before"};
  ERR_clear_error();
  std::size_t count = 0;
  const int result = SSL_write_ex(ssl.get(), bytes.data(), bytes.size(), &count);
  return tls_attempt(result, count);
}

Attempt Stream::Impl::tls_attempt(int result, std::size_t count) {
  if (result == 1) return {Outcome::done, count};
  const int system_error = errno;
  switch (SSL_get_error(ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {Outcome::wants_read};
    case SSL_ERROR_WANT_WRITE:
      return {Outcome::wants_write};
    case SSL_ERROR_ZERO_RETURN:
      return {Outcome::done, 0};
    case SSL_ERROR_SYSCALL:
      tls_broken = true;
      return {Outcome::failed, 0, std::strerror(system_error), true};
    default:
      break;
  }
  tls_broken = true;
  const bool cut = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  auto detail = take_tls_errors();
  const long verdict = SSL_get_verify_result(ssl.get());
  if (!facts && verdict != X509_V_OK) {
    detail += std::string(": ") + X509_verify_cert_error_string(verdict);
  }
  return {Outcome::failed, 0, std::move(detail), cut};
}

bool Stream::Impl::tls_would_read() {
  if (tls_broken) return true;
  ERR_clear_error();
  char octet = 0;
  std::size_t count = 0;
  const auto attempt = tls_attempt(SSL_peek_ex(ssl.get(), &octet, 1, &count), count);
  return attempt.outcome == Outcome::done || attempt.outcome == Outcome::failed;
}

void Stream::Impl::close_tls() {
  if (!ssl || tls_broken || SSL_is_init_finished(ssl.get()) == 0) return;
  ERR_clear_error();
  SSL_shutdown(ssl.get());
}

}  // namespace signet::net
