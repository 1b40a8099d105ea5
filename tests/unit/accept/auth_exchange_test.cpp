#include "relay/accept/auth_exchange.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "relay/smtp/command.hpp"

namespace signet::accept {
namespace {

using namespace std::string_literals;

struct ExchangeCase {
  std::vector<std::string> lines;  ///< The argument of AUTH, then responses.
  std::string expected;            ///< "user/password" or the fault's name.
};

std::string outcome(const std::vector<std::string>& lines) {
  AuthExchange exchange({.passwords = true, .scram = true, .channel_binding = {}});
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto step = i == 0 ? exchange.start(lines[i]) : exchange.on_line(lines[i]);
    if (!step) return std::string(row(step.error().fault).name);
    const auto* credentials = std::get_if<AuthExchange::Credentials>(&*step);
    if (credentials != nullptr) return credentials->user + "/" + credentials->password;
  }
  return "challenge";
}

std::string b64(const std::string& text) { return smtp::encode_base64(text); }

// B20.
TEST(AuthExchangeTest, plain_and_login_give_credentials_or_the_right_fault) {
  const std::vector<ExchangeCase> cases{
      {{"PLAIN " + b64("\0ann\0secret"s)}, "ann/secret"},
      {{"plain", b64("\0ann\0secret"s)}, "ann/secret"},
      {{"PLAIN " + b64("ann\0ann\0secret"s)}, "ann/secret"},
      {{"PLAIN " + b64("bob\0ann\0secret"s)}, "auth_failed"},
      {{"PLAIN " + b64("\0ann\0sec\0ret"s)}, "auth_malformed"},
      {{"PLAIN " + b64("\0\0secret"s)}, "auth_malformed"},
      {{"PLAIN " + b64("\0ann\0"s)}, "auth_malformed"},
      {{"PLAIN " + b64("ann\0secret"s)}, "auth_malformed"},
      {{"PLAIN " + b64("ann")}, "auth_malformed"},
      {{"PLAIN ="}, "auth_malformed"},
      {{"PLAIN ===="}, "auth_malformed"},
      {{"PLAIN not base64"}, "auth_malformed"},
      {{"PLAIN", "*"}, "auth_cancelled"},
      {{"PLAIN *"}, "auth_cancelled"},
      {{"PLAIN"}, "challenge"},
      {{"PLAIN", ""}, "auth_malformed"},
      {{"LOGIN", b64("ann"), b64("secret")}, "ann/secret"},
      {{"login " + b64("ann"), b64("secret")}, "ann/secret"},
      {{"LOGIN ", b64("ann"), "*"}, "auth_cancelled"},
      {{"LOGIN", ""}, "auth_malformed"},
      {{"LOGIN", b64("ann"), ""}, "auth_malformed"},
      {{"LOGIN", b64("a\0n"s)}, "auth_malformed"},
      {{"LOGIN", b64("ann"), b64("a\0n"s)}, "auth_malformed"},
      {{"LOGIN", b64("ann"), "!"}, "auth_malformed"},
      {{"NTLM"}, "auth_mechanism_unknown"},
      {{"ANONYMOUS " + b64("x")}, "auth_mechanism_unknown"},
      {{"PLAINER"}, "auth_mechanism_unknown"},
      {{""}, "auth_malformed"},
  };
  for (const auto& [lines, expected] : cases) EXPECT_EQ(outcome(lines), expected) << lines[0];
}

TEST(AuthExchangeTest, challenges_of_login_ask_for_user_and_password) {
  AuthExchange exchange({.passwords = true, .scram = true, .channel_binding = {}});
  const auto first = exchange.start("LOGIN");
  EXPECT_EQ(*smtp::decode_base64(std::get<AuthExchange::Challenge>(*first).text), "Username:");
  const auto second = exchange.on_line(b64("ann"));
  EXPECT_EQ(*smtp::decode_base64(std::get<AuthExchange::Challenge>(*second).text), "Password:");
}

}  // namespace
}  // namespace signet::accept
