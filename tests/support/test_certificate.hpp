// Certificates for tests: made on the spot, P-256, valid from an hour ago until tomorrow.
#pragma once

#include <string>
#include <vector>

namespace signet::test {

/// A certificate with its private key, both PEM.
struct TestCertificate {
  std::string certificate;
  std::string key;

  /// SHA-256 of the certificate, lower-case hex, as TlsFacts has it.
  [[nodiscard]] std::string fingerprint() const;
};

/// May issue others.
[[nodiscard]] TestCertificate make_authority(const std::string& common_name);

/// For DNS names and, where a name is one, IP addresses; the first is the common name too. Signed
/// by `issuer`, or by itself.
[[nodiscard]] TestCertificate make_certificate(const std::vector<std::string>& names,
                                               const TestCertificate* issuer = nullptr);

}  // namespace signet::test
