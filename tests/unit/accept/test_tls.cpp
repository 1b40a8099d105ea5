#include "tests/unit/accept/test_tls.hpp"

#include "tests/support/scratch_folder.hpp"
#include "tests/support/test_certificate.hpp"

namespace signet::accept::test {

std::shared_ptr<const net::ServerTls> server_tls() {
  const signet::test::ScratchFolder folder;
  const auto made = signet::test::make_certificate({"relay.example"});
  const auto loaded = net::ServerTls::load(
      {{folder.write("cert.pem", made.certificate), folder.write("key.pem", made.key)}}, {});
  return loaded ? *loaded : nullptr;
}

std::shared_ptr<const net::ClientTls> client_tls() {
  const auto loaded = net::ClientTls::load({});
  return loaded ? *loaded : nullptr;
}

}  // namespace signet::accept::test
