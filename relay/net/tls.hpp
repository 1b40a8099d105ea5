// TLS settings for both sides, over OpenSSL 3: TLS 1.2 and newer, no renegotiation, no early data.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "relay/base/result.hpp"

namespace signet::net {

struct CertificateFiles {
  std::filesystem::path certificate;  ///< PEM chain, leaf first.
  std::filesystem::path key;          ///< PEM private key.
};

/// A server's certificates. Immutable: a reload makes a new one, and connections keep theirs.
class ServerTls {
 public:
  /// The first pair is the default; SNI picks among all by the names in the certificates.
  /// `client_ca` asks clients for a certificate (optional for them); empty: any certificate is
  /// taken for its fingerprint. Fault: configuration, with the file and OpenSSL's reason.
  [[nodiscard]] static Result<std::shared_ptr<const ServerTls>> load(
      const std::vector<CertificateFiles>& files, const std::filesystem::path& client_ca);
  /// When the first of its certificates expires, in seconds since 1970.
  [[nodiscard]] std::int64_t first_expiry() const;
  struct Impl;
  explicit ServerTls(std::unique_ptr<Impl> impl);
  ~ServerTls();
  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

class ClientTls {
 public:
  /// `ca` empty: the system's trust store. Fault: configuration.
  [[nodiscard]] static Result<std::shared_ptr<const ClientTls>> load(
      const std::filesystem::path& ca);
  struct Impl;
  explicit ClientTls(std::unique_ptr<Impl> impl);
  ~ClientTls();
  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace signet::net
