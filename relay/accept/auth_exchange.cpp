#include "relay/accept/auth_exchange.hpp"

#include <strings.h>

#include "relay/smtp/command.hpp"

namespace signet::accept {
namespace {

using Step = AuthExchange::Step;

bool is_mechanism(std::string_view text, std::string_view name) {
  return text.size() == name.size() && strncasecmp(text.data(), name.data(), name.size()) == 0;
}

Failure malformed(const char* what) { return fail(Fault::auth_malformed, what); }

// authzid NUL authcid NUL passwd (RFC 4616 2).
Result<Step> split_plain(std::string_view response) {
  const std::size_t first = response.find('\0');
  if (first == std::string_view::npos) return malformed("PLAIN without NUL");
  const std::size_t second = response.find('\0', first + 1);
  if (second == std::string_view::npos) return malformed("PLAIN with one NUL");
  const std::string_view acts_for = response.substr(0, first);
  const std::string_view user = response.substr(first + 1, second - first - 1);
  const std::string_view password = response.substr(second + 1);
  if (password.contains('\0')) return malformed("PLAIN with three NULs");
  if (user.empty() || password.empty()) return malformed("PLAIN without user or password");
  if (!acts_for.empty() && acts_for != user) return fail(Fault::auth_failed, "acts for another");
  return Step(AuthExchange::Credentials{std::string(user), std::string(password)});
}

}  // namespace

Result<Step> AuthExchange::start(std::string_view argument) {
  const std::size_t space = std::min(argument.find(' '), argument.size());
  const std::string_view mechanism = argument.substr(0, space);
  const std::string_view initial = argument.substr(std::min(space + 1, argument.size()));
  if (mechanism.empty()) return malformed("AUTH without mechanism");
  if (is_mechanism(mechanism, "PLAIN")) {
    awaits_ = Awaits::plain;
  } else if (is_mechanism(mechanism, "LOGIN")) {
    awaits_ = Awaits::login_user;
  } else {
    return fail(Fault::auth_mechanism_unknown);
  }
  if (initial == "=") return on_response({});
  if (!initial.empty()) return on_line(initial);
  return Step(Challenge{awaits_ == Awaits::plain ? "" : "VXNlcm5hbWU6"});
}

Result<Step> AuthExchange::on_line(std::string_view line) {
  if (line == "*") return fail(Fault::auth_cancelled);
  const auto response = smtp::decode_base64(line);
  if (!response) return malformed("not base64");
  return on_response(*response);
}

Result<Step> AuthExchange::on_response(const std::string& response) {
  if (awaits_ == Awaits::plain) return split_plain(response);
  if (response.empty() || response.contains('\0')) return malformed("LOGIN with NUL or nothing");
  if (awaits_ == Awaits::login_password) return Step(Credentials{user_, response});
  user_ = response;
  awaits_ = Awaits::login_password;
  return Step(Challenge{"UGFzc3dvcmQ6"});
}

}  // namespace signet::accept
