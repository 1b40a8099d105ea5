#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <chrono>

#include "relay/net/tls.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/test_certificate.hpp"
#include "tests/unit/net/stream_fixture.hpp"

namespace signet::net {
namespace {

using namespace std::chrono_literals;
using test::make_authority;
using test::make_certificate;
using test::TestCertificate;

struct Side {
  Result<void> outcome = fail(Fault::local_error, "not run");
};

class StreamTlsTest : public StreamTest {
 protected:
  CertificateFiles files(const std::string& name, const TestCertificate& pair) const {
    return {folder_.write(name + ".pem", pair.certificate), folder_.write(name + ".key", pair.key)};
  }
  std::shared_ptr<const ServerTls> server(const std::vector<CertificateFiles>& pairs,
                                          const std::filesystem::path& client_ca = {}) const {
    auto tls = ServerTls::load(pairs, client_ca);
    EXPECT_TRUE(tls) << tls.error().detail;
    return *tls;
  }
  std::shared_ptr<const ClientTls> client() const {
    auto tls = ClientTls::load(folder_.write("ca.pem", authority_.certificate));
    EXPECT_TRUE(tls) << tls.error().detail;
    return *tls;
  }
  std::shared_ptr<const ServerTls> usual_server() const {
    return server({files("usual", make_certificate({"mx.example.com"}, &authority_))});
  }

  static Task<void> accept(Stream& stream, std::shared_ptr<const ServerTls> tls, Timeout timeout,
                           Side& side) {
    side.outcome = co_await stream.accept_tls(*tls, timeout);
  }
  static Task<Result<void>> connect(Stream& stream, std::shared_ptr<const ClientTls> tls,
                                    std::string name, bool verify, Timeout timeout) {
    auto outcome = co_await stream.connect_tls(*tls, std::move(name), verify, timeout);
    co_return outcome;
  }
  /// Both handshakes: near_ is the client. Returns the client's outcome.
  Result<void> shake_hands(std::shared_ptr<const ServerTls> tls, std::string name, bool verify) {
    scope_.spawn(accept(*far_, std::move(tls), kLong, server_side_));
    auto outcome = run(connect(*near_, client(), std::move(name), verify, kLong));
    for (int i = 0; i < 100 && outcome && scope_.size() > 0; ++i) turn();
    return outcome;
  }

  test::ScratchFolder folder_;
  TestCertificate authority_ = make_authority("test root");
  Side server_side_;
};

Task<void> send_and_end(Stream& stream, std::string bytes, std::size_t step) {
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const auto written = co_await stream.write(std::string_view(bytes).substr(at, step), kLong);
    if (!written) co_return;
  }
  stream.shut_down();
}

TEST_F(StreamTlsTest, agrees_and_says_on_what) {
  ASSERT_TRUE(shake_hands(usual_server(), "mx.example.com", true));
  ASSERT_TRUE(server_side_.outcome);
  const auto& near = *near_->tls();
  EXPECT_EQ(near.version, "TLSv1.3");
  EXPECT_NE(near.cipher, "");
  EXPECT_TRUE(near.peer_verified);
  EXPECT_EQ(near.verify_error, "");
  EXPECT_EQ(near.peer_fingerprint.size(), 64U);
  const auto& far = *far_->tls();
  EXPECT_EQ(far.server_name, "mx.example.com");
  EXPECT_EQ(far.peer_fingerprint, "");
  EXPECT_FALSE(far.peer_verified);
}

TEST_F(StreamTlsTest, tells_the_fingerprint_of_the_peer) {
  const auto certificate = make_certificate({"mx.example.com"});
  ASSERT_TRUE(shake_hands(server({files("own", certificate)}), "mx.example.com", false));
  EXPECT_EQ(near_->tls()->peer_fingerprint, certificate.fingerprint());
}

TEST_F(StreamTlsTest, carries_bytes_in_pieces_of_every_size_both_ways) {
  std::string bytes(100'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 % 251);
  for (const std::size_t step : {1U, 1000U, 100'000U}) {
    const auto sent = bytes.substr(0, step == 1 ? 300 : bytes.size());
    const auto [client_socket, server_socket] = connected_descriptors();
    near_ = std::make_unique<Stream>(loop_, client_socket);
    far_ = std::make_unique<Stream>(loop_, server_socket);
    ASSERT_TRUE(shake_hands(usual_server(), "mx.example.com", true));
    scope_.spawn(send_and_end(*near_, sent, step));
    EXPECT_EQ(run(read_all(*far_, step, kLong)), sent) << step;
    scope_.spawn(send_and_end(*far_, sent, step));
    EXPECT_EQ(run(read_all(*near_, step, kLong)), sent) << step;
  }
}

TEST_F(StreamTlsTest, waits_when_the_peer_does_not_read) {
  ASSERT_TRUE(shake_hands(usual_server(), "mx.example.com", true));
  const std::string bytes(12U << 20U, 'x');
  scope_.spawn(send_and_end(*near_, bytes, bytes.size()));
  EXPECT_EQ(scope_.size(), 1U);
  EXPECT_EQ(run(read_all(*far_, 65536, kLong)).size(), bytes.size());
}

TEST_F(StreamTlsTest, an_end_without_close_notify_is_closed) {
  ASSERT_TRUE(shake_hands(usual_server(), "mx.example.com", true));
  ASSERT_TRUE(run(write_all(*far_, "cut", kLong)));
  far_.reset();
  EXPECT_EQ(run(read_all(*near_, 10, kLong)), "cut!closed");
}

TEST_F(StreamTlsTest, a_reader_sees_its_deadline) {
  ASSERT_TRUE(shake_hands(usual_server(), "mx.example.com", true));
  EXPECT_EQ(run(read_all(*near_, 10, kShort)), "!timed_out");
}

TEST_F(StreamTlsTest, tickets_are_no_pending_input) {
  ASSERT_TRUE(shake_hands(usual_server(), "mx.example.com", true));
  turn();
  EXPECT_FALSE(near_->has_pending_input());
  ASSERT_TRUE(run(write_all(*far_, "x", kLong)));
  turn();
  EXPECT_TRUE(near_->has_pending_input());
  char octet = 0;
  EXPECT_EQ(run(read_some(*near_, {&octet, 1}, kLong)).value(), 1U);
  EXPECT_EQ(octet, 'x');
  far_.reset();
  turn();
  EXPECT_TRUE(near_->has_pending_input());
}

struct NameCase {
  std::string certificate;
  std::string asked;
  bool matches;
};

TEST_F(StreamTlsTest, checks_the_name_it_asked_for) {
  const std::vector<NameCase> cases{
      {"mx.example.com", "mx.example.com", true}, {"mx.example.com", "mx.example.com.", true},
      {"mx.example.com", "MX.example.com", true}, {"mx.example.com", "mx2.example.com", false},
      {"*.example.com", "mx.example.com", true},  {"*.example.com", "a.mx.example.com", false},
      {"127.0.0.1", "127.0.0.1", true},           {"mx.example.com", "127.0.0.1", false},
      {"127.0.0.1", "mx.example.com", false}};
  for (const auto& test : cases) {
    for (const bool verify : {true, false}) {
      const auto [client_socket, server_socket] = connected_descriptors();
      near_ = std::make_unique<Stream>(loop_, client_socket);
      far_ = std::make_unique<Stream>(loop_, server_socket);
      const auto tls = server({files("named", make_certificate({test.certificate}, &authority_))});
      const auto outcome = shake_hands(tls, test.asked, verify);
      scope_.clear();
      const auto label = test.certificate + " for " + test.asked;
      ASSERT_EQ(outcome.has_value(), test.matches || !verify) << label;
      if (!outcome) {
        EXPECT_EQ(outcome.error().fault, Fault::tls_failed) << label;
        EXPECT_NE(outcome.error().detail.find("mismatch"), std::string::npos)
            << outcome.error().detail;
        continue;
      }
      EXPECT_EQ(near_->tls()->peer_verified, test.matches) << label;
      EXPECT_EQ(near_->tls()->verify_error.empty(), test.matches) << label;
    }
  }
}

TEST_F(StreamTlsTest, an_untrusted_chain_fails_only_when_it_must_verify) {
  const auto tls = server({files("self", make_certificate({"mx.example.com"}))});
  const auto refused = shake_hands(tls, "mx.example.com", true);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, Fault::tls_failed);
  EXPECT_NE(refused.error().detail.find("self-signed"), std::string::npos)
      << refused.error().detail;
  turn();
  ASSERT_FALSE(server_side_.outcome);
  EXPECT_EQ(server_side_.outcome.error().fault, Fault::tls_failed);
}

TEST_F(StreamTlsTest, server_name_chooses_the_certificate) {
  const auto first = make_certificate({"one.example.com", "alias.example.com"}, &authority_);
  const auto second = make_certificate({"*.two.example.com"}, &authority_);
  const auto tls = server({files("first", first), files("second", second)});
  const std::vector<std::pair<std::string, std::string>> cases{
      {"one.example.com", first.fingerprint()},     {"alias.example.com", first.fingerprint()},
      {"mx.two.example.com", second.fingerprint()}, {"MX.TWO.example.com", second.fingerprint()},
      {"unknown.example.com", first.fingerprint()}, {"127.0.0.1", first.fingerprint()},
      {"a.b.two.example.com", first.fingerprint()}};
  for (const auto& [name, expected] : cases) {
    const auto [client_socket, server_socket] = connected_descriptors();
    near_ = std::make_unique<Stream>(loop_, client_socket);
    far_ = std::make_unique<Stream>(loop_, server_socket);
    ASSERT_TRUE(shake_hands(tls, name, false)) << name;
    EXPECT_EQ(near_->tls()->peer_fingerprint, expected) << name;
  }
}

// Each stage at which a peer may go away or say nonsense.

TEST_F(StreamTlsTest, a_peer_that_speaks_in_clear_fails_the_handshake) {
  scope_.spawn(accept(*far_, usual_server(), kLong, server_side_));
  ASSERT_TRUE(run(write_all(*near_, "EHLO client.example.com\r\n", kLong)));
  turn();
  ASSERT_FALSE(server_side_.outcome);
  EXPECT_EQ(server_side_.outcome.error().fault, Fault::tls_failed);
  EXPECT_NE(server_side_.outcome.error().detail.find("wrong version number"), std::string::npos)
      << server_side_.outcome.error().detail;
}

TEST_F(StreamTlsTest, a_peer_that_leaves_before_the_handshake_is_closed) {
  scope_.spawn(accept(*far_, usual_server(), kLong, server_side_));
  near_.reset();
  turn();
  ASSERT_FALSE(server_side_.outcome);
  EXPECT_EQ(server_side_.outcome.error().fault, Fault::closed);
}

TEST_F(StreamTlsTest, a_peer_that_leaves_within_the_handshake_is_closed) {
  bool ended = false;
  scope_.spawn(forget(connect(*near_, client(), "mx.example.com", true, kLong), ended));
  turn();  // The client's hello is on its way, and nobody answers it.
  scope_.clear();
  near_.reset();
  scope_.spawn(accept(*far_, usual_server(), kLong, server_side_));
  turn();
  ASSERT_FALSE(server_side_.outcome);
  EXPECT_EQ(server_side_.outcome.error().fault, Fault::closed);
}

TEST_F(StreamTlsTest, a_silent_peer_times_the_handshake_out) {
  scope_.spawn(accept(*far_, usual_server(), kShort, server_side_));
  const auto outcome = run(read_all(*near_, 10, 100ms));
  ASSERT_FALSE(server_side_.outcome);
  EXPECT_EQ(server_side_.outcome.error().fault, Fault::timed_out);
}

TEST_F(StreamTlsTest, a_handshake_may_be_given_up) {
  scope_.spawn(accept(*far_, usual_server(), kLong, server_side_));
  scope_.clear();
  far_.reset();
  EXPECT_EQ(run(read_all(*near_, 10, kLong)), "");
}

TEST_F(StreamTlsTest, nothing_follows_a_failure) {
  scope_.spawn(accept(*far_, usual_server(), kLong, server_side_));
  ASSERT_TRUE(run(write_all(*near_, "EHLO client.example.com\r\n", kLong)));
  turn();
  EXPECT_EQ(run(read_all(*far_, 10, kLong)), "!closed");
  EXPECT_FALSE(run(write_all(*far_, "250", kLong)));
  EXPECT_TRUE(far_->has_pending_input());
  far_->shut_down();
}

// Client certificates and old protocols, with OpenSSL's own client at the other end.

struct ClientFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

class RawClient {
 public:
  explicit RawClient(int descriptor) : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_security_level(context_.get(), 0);
    descriptor_ = descriptor;
  }
  SSL_CTX* context() { return context_.get(); }
  SSL* ssl() { return ssl_.get(); }
  SSL* connect() {
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), descriptor_);
    SSL_set_connect_state(ssl_.get());
    return ssl_.get();
  }

 private:
  std::unique_ptr<SSL_CTX, ClientFree> context_;
  std::unique_ptr<SSL, ClientFree> ssl_;
  int descriptor_;
};

class RawClientTest : public StreamTlsTest {
 protected:
  RawClientTest() {
    const auto [client_socket, server_socket] = connected_descriptors();
    far_ = std::make_unique<Stream>(loop_, server_socket);
    near_ = std::make_unique<Stream>(loop_, client_socket);  // Owns the descriptor; not used.
    raw_ = std::make_unique<RawClient>(client_socket);
  }
  void shake_hands(std::shared_ptr<const ServerTls> tls) {
    scope_.spawn(accept(*far_, std::move(tls), kLong, server_side_));
    auto* ssl = raw_->connect();
    for (int i = 0; i < 100 && scope_.size() > 0; ++i) {
      SSL_do_handshake(ssl);
      turn();
    }
  }
  void use(const TestCertificate& pair) {
    const auto paths = files("client", pair);
    ASSERT_EQ(
        SSL_CTX_use_certificate_file(raw_->context(), paths.certificate.c_str(), SSL_FILETYPE_PEM),
        1);
    ASSERT_EQ(SSL_CTX_use_PrivateKey_file(raw_->context(), paths.key.c_str(), SSL_FILETYPE_PEM), 1);
  }
  std::filesystem::path ca() const {
    return folder_.write("client_ca.pem", authority_.certificate);
  }

  std::unique_ptr<RawClient> raw_;
};

TEST_F(RawClientTest, without_a_client_ca_any_certificate_is_taken_for_its_fingerprint) {
  const auto certificate = make_certificate({"client.example.com"});
  use(certificate);
  shake_hands(usual_server());
  ASSERT_TRUE(server_side_.outcome) << server_side_.outcome.error().detail;
  EXPECT_EQ(far_->tls()->peer_fingerprint, certificate.fingerprint());
  EXPECT_FALSE(far_->tls()->peer_verified);
  EXPECT_NE(far_->tls()->verify_error, "");
}

TEST_F(RawClientTest, a_client_certificate_of_the_client_ca_is_verified) {
  const auto certificate = make_certificate({"client.example.com"}, &authority_);
  use(certificate);
  shake_hands(server({files("usual", make_certificate({"mx.example.com"}))}, ca()));
  ASSERT_TRUE(server_side_.outcome) << server_side_.outcome.error().detail;
  EXPECT_EQ(far_->tls()->peer_fingerprint, certificate.fingerprint());
  EXPECT_TRUE(far_->tls()->peer_verified);
}

TEST_F(RawClientTest, a_client_without_a_certificate_is_welcome_despite_a_client_ca) {
  shake_hands(server({files("usual", make_certificate({"mx.example.com"}))}, ca()));
  ASSERT_TRUE(server_side_.outcome) << server_side_.outcome.error().detail;
  EXPECT_EQ(far_->tls()->peer_fingerprint, "");
  EXPECT_FALSE(far_->tls()->peer_verified);
}

TEST_F(RawClientTest, a_client_certificate_of_another_ca_fails_the_handshake) {
  use(make_certificate({"client.example.com"}));
  shake_hands(server({files("usual", make_certificate({"mx.example.com"}))}, ca()));
  ASSERT_FALSE(server_side_.outcome);
  EXPECT_EQ(server_side_.outcome.error().fault, Fault::tls_failed);
  EXPECT_NE(server_side_.outcome.error().detail.find("self-signed"), std::string::npos)
      << server_side_.outcome.error().detail;
}

TEST_F(RawClientTest, speaks_tls_1_2_and_nothing_older) {
  SSL_CTX_set_min_proto_version(raw_->context(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(raw_->context(), TLS1_1_VERSION);
  shake_hands(usual_server());
  ASSERT_FALSE(server_side_.outcome);
  EXPECT_EQ(server_side_.outcome.error().fault, Fault::tls_failed);
}

// B17.
TEST_F(RawClientTest, speaks_tls_1_2_without_renegotiation) {
  SSL_CTX_set_max_proto_version(raw_->context(), TLS1_2_VERSION);
  shake_hands(usual_server());
  ASSERT_TRUE(server_side_.outcome) << server_side_.outcome.error().detail;
  EXPECT_EQ(far_->tls()->version, "TLSv1.2");
  ASSERT_EQ(SSL_do_handshake(raw_->ssl()), 1) << "the server finishes last in TLS 1.2";
  ASSERT_EQ(SSL_renegotiate(raw_->ssl()), 1);
  EXPECT_EQ(SSL_get_error(raw_->ssl(), SSL_do_handshake(raw_->ssl())), SSL_ERROR_WANT_READ);
  EXPECT_EQ(run(read_all(*far_, 10, kShort)), "!timed_out");
  EXPECT_NE(SSL_do_handshake(raw_->ssl()), 1);
  EXPECT_EQ(ERR_GET_REASON(ERR_get_error()), SSL_R_NO_RENEGOTIATION);
}

}  // namespace
}  // namespace signet::net
