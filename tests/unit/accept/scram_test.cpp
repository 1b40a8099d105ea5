// SCRAM against a client written here from RFC 5802 with OpenSSL alone, and the vectors of RFC
// 7677.
#include "relay/accept/scram.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <optional>

#include "relay/accept/auth_exchange.hpp"
#include "relay/smtp/command.hpp"

namespace signet::accept {
namespace {

using config::ScramKeys;

constexpr const char* kSalt = "W22ZaJ0SNY7soEsUEjb6gQ==";

std::string b64(const std::string& octets) { return smtp::encode_base64(octets); }
std::string unb64(const std::string& text) { return *smtp::decode_base64(text); }

std::string hmac(const std::string& key, const std::string& text) {
  std::array<unsigned char, 32> out{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string sha256(const std::string& text) {
  std::array<unsigned char, 32> out{};
  EVP_Digest(text.data(), text.size(), out.data(), nullptr, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

std::string salted(const std::string& password, const std::string& salt, int iterations) {
  std::array<unsigned char, 32> out{};
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                    reinterpret_cast<const unsigned char*>(salt.data()),
                    static_cast<int>(salt.size()), iterations, EVP_sha256(), out.size(),
                    out.data());
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

std::string exclusive_or(std::string left, const std::string& right) {
  for (std::size_t i = 0; i < left.size(); ++i) left[i] = static_cast<char>(left[i] ^ right[i]);
  return left;
}

/// A field of "r=…,s=…,i=…".
std::string field(const std::string& message, char name) {
  const std::size_t at = message.find(std::string(1, name) + "=");
  return message.substr(at + 2, message.find(',', at) - at - 2);
}

struct Client {
  std::string user = "user";
  std::string password = "pencil";
  std::string gs2 = "n,,";
  std::string binding = {};   ///< After the gs2-header in c=.
  std::string said_gs2 = {};  ///< In c=, where it is another one; empty: the same.
  std::string nonce = "rOprNGfwEbeRWgbNEkqO";

  [[nodiscard]] std::string bare() const { return "n=" + user + ",r=" + nonce; }
  [[nodiscard]] std::string first() const { return gs2 + bare(); }
  [[nodiscard]] std::string without_proof(const std::string& server_first) const {
    return "c=" + b64((said_gs2.empty() ? gs2 : said_gs2) + binding) +
           ",r=" + field(server_first, 'r');
  }
  [[nodiscard]] std::string auth_message(const std::string& server_first) const {
    return bare() + "," + server_first + "," + without_proof(server_first);
  }
  [[nodiscard]] std::string secret(const std::string& server_first) const {
    return salted(password, unb64(field(server_first, 's')), std::stoi(field(server_first, 'i')));
  }
  [[nodiscard]] std::string final(const std::string& server_first) const {
    const std::string key = hmac(secret(server_first), "Client Key");
    const std::string signature = hmac(sha256(key), auth_message(server_first));
    return without_proof(server_first) + ",p=" + b64(exclusive_or(key, signature));
  }
  [[nodiscard]] std::string server_signature(const std::string& server_first) const {
    return "v=" + b64(hmac(hmac(secret(server_first), "Server Key"), auth_message(server_first)));
  }
};

ScramKeys keys_of_user() { return *make_scram_keys("pencil", unb64(kSalt), 4096); }

const std::string kBinding(32, 'b');

/// "proven", "failed", or the fault's name.
std::string outcome(const Client& client, const std::string& mechanism,
                    const std::string& offered_binding) {
  AuthExchange exchange({.passwords = false, .scram = true, .channel_binding = offered_binding});
  const auto name = [](const Error& error) { return std::string(row(error.fault).name); };
  auto step = exchange.start(mechanism + " " + b64(client.first()));
  if (!step) return name(step.error());
  EXPECT_EQ(std::get<AuthExchange::NeedsKeys>(*step).user, client.user);
  step = exchange.on_keys(keys_of_user());
  if (!step) return name(step.error());
  if (std::holds_alternative<AuthExchange::Verdict>(*step)) return "failed";
  const std::string server_first = unb64(std::get<AuthExchange::Challenge>(*step).text);
  step = exchange.on_line(b64(client.final(server_first)));
  if (!step) return name(step.error());
  if (std::holds_alternative<AuthExchange::Verdict>(*step)) return "failed";
  EXPECT_EQ(unb64(std::get<AuthExchange::Challenge>(*step).text),
            client.server_signature(server_first));
  step = exchange.on_line("");
  if (!step) return name(step.error());
  return std::get<AuthExchange::Verdict>(*step).proven ? "proven" : "failed";
}

TEST(ScramTest, keys_give_the_signatures_of_rfc_7677) {
  const ScramKeys keys = keys_of_user();
  const std::string auth_message =
      "n=user,r=rOprNGfwEbeRWgbNEkqO,"
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  EXPECT_EQ(keys.salt, kSalt);
  EXPECT_EQ(b64(hmac(unb64(keys.server_key), auth_message)),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  const std::string proof = unb64("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  const std::string client_key = exclusive_or(proof, hmac(unb64(keys.stored_key), auth_message));
  EXPECT_EQ(b64(sha256(client_key)), keys.stored_key);
}

// A11.
TEST(ScramTest, proves_a_client_and_refuses_every_tampered_one) {
  struct Case {
    const char* what;
    std::string mechanism;
    Client client;
    std::string binding;
    std::string expected;
  };
  const std::string plus = "SCRAM-SHA-256-PLUS";
  const std::string plain = "SCRAM-SHA-256";
  const std::string p = "p=tls-exporter,,";
  const std::vector<Case> cases{
      {"right", plain, {}, "", "proven"},
      {"mechanism in small letters", "scram-sha-256", {}, "", "proven"},
      {"wrong password", plain, {.password = "pencils"}, "", "failed"},
      {"itself as authzid", plain, {.gs2 = "n,a=user,"}, "", "proven"},
      {"another as authzid", plain, {.gs2 = "n,a=root,"}, "", "auth_failed"},
      {"no binding where there is one", plain, {}, kBinding, "proven"},
      {"y without an offer", plain, {.gs2 = "y,,"}, "", "proven"},
      {"y in spite of an offer", plain, {.gs2 = "y,,"}, kBinding, "failed"},
      {"y became n on the way", plain, {.gs2 = "n,,", .said_gs2 = "y,,"}, kBinding, "failed"},
      {"binds", plus, {.gs2 = p, .binding = kBinding}, kBinding, "proven"},
      {"binds to another channel",
       plus,
       {.gs2 = p, .binding = std::string(32, 'x')},
       kBinding,
       "failed"},
      {"binds to nothing", plus, {.gs2 = p}, kBinding, "failed"},
      {"n with -PLUS", plus, {}, kBinding, "failed"},
      {"y with -PLUS", plus, {.gs2 = "y,,"}, kBinding, "failed"},
      {"another kind of binding",
       plus,
       {.gs2 = "p=tls-unique,,", .binding = kBinding},
       kBinding,
       "failed"},
      {"p without -PLUS", plain, {.gs2 = p, .binding = kBinding}, kBinding, "auth_failed"},
      {"-PLUS that is not offered",
       plus,
       {.gs2 = p, .binding = kBinding},
       "",
       "auth_mechanism_unknown"},
  };
  for (const auto& [what, mechanism, client, binding, expected] : cases) {
    EXPECT_EQ(outcome(client, mechanism, binding), expected) << what;
  }
}

// B20.
TEST(ScramTest, refuses_what_is_no_scram) {
  for (const std::string& message :
       {std::string("x"), std::string("n"), std::string("n,,"), std::string("n,,n=user"),
        std::string("n,,n=,r=x"), std::string("n,,n==2,r=x"), std::string("n,x,n=user,r=x"),
        std::string("n,a=,n=user,r=x"), std::string("n,,m=x,n=user,r=x"),
        std::string("n,,n=us\0er,r=x", 14), std::string()}) {
    AuthExchange exchange({.passwords = false, .scram = true, .channel_binding = {}});
    const auto step = exchange.start("SCRAM-SHA-256 " + (message.empty() ? "=" : b64(message)));
    ASSERT_FALSE(step) << message;
    EXPECT_EQ(step.error().fault, Fault::auth_malformed) << message;
  }
}

TEST(ScramTest, refuses_a_nonce_that_is_not_its_own) {
  ScramExchange exchange(false, {});
  const Client client;
  ASSERT_TRUE(exchange.on_client_first(client.first()));
  const auto first = exchange.on_keys(keys_of_user());
  ASSERT_TRUE(first);
  std::string replayed = *first;
  replayed.insert(2, "x");
  const auto answer = exchange.on_client_final(client.final(replayed));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().fault, Fault::auth_failed);
}

TEST(ScramTest, names_with_commas_and_equals_are_encoded) {
  ScramExchange exchange(false, {});
  const auto user = exchange.on_client_first("n,,n=a=2Cb=3Dc,r=nonce");
  ASSERT_TRUE(user);
  EXPECT_EQ(*user, "a,b=c");
  EXPECT_TRUE(exchange.on_keys(keys_of_user()));
}

TEST(ScramTest, offers_passwords_or_scram_as_there_are_users_for_them) {
  EXPECT_EQ((Mechanisms{.passwords = true, .scram = true, .channel_binding = "x"}.to_string()),
            "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN");
  EXPECT_EQ((Mechanisms{.passwords = false, .scram = true, .channel_binding = {}}.to_string()),
            "SCRAM-SHA-256");
  EXPECT_EQ((Mechanisms{.passwords = true, .scram = false, .channel_binding = "x"}.to_string()),
            "PLAIN LOGIN");
  AuthExchange scram_only({.passwords = false, .scram = true, .channel_binding = {}});
  EXPECT_EQ(scram_only.start("PLAIN AGEAYg==").error().fault, Fault::auth_mechanism_unknown);
}

// B19: asking for a user that does not exist tells nothing.
TEST(ScramTest, unknown_users_look_like_known_ones_and_stay_the_same) {
  const UnknownUsers unknown;
  const UnknownUsers of_another_process;
  const ScramKeys like = keys_of_user();
  const ScramKeys made = unknown.keys_of("nobody", like);
  EXPECT_EQ(made.iterations, like.iterations);
  EXPECT_EQ(made.salt.size(), like.salt.size());
  EXPECT_EQ(unknown.keys_of("nobody", like).salt, made.salt);
  EXPECT_NE(unknown.keys_of("somebody", like).salt, made.salt);
  EXPECT_NE(of_another_process.keys_of("nobody", like).salt, made.salt);
  EXPECT_TRUE(config::parse_scram_keys(config::to_string(made)));
}

TEST(ScramTest, stored_keys_are_text_that_reads_back) {
  const auto made = make_scram_keys("correct horse");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->iterations, kScramIterations);
  EXPECT_NE(make_scram_keys("correct horse")->salt, made->salt);
  const auto read = config::parse_scram_keys(config::to_string(*made));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->stored_key, made->stored_key);
  EXPECT_EQ(read->server_key, made->server_key);
}

}  // namespace
}  // namespace signet::accept
