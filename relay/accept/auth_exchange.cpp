#include "relay/accept/auth_exchange.hpp"

#include "relay/smtp/characters.hpp"
#include "relay/smtp/command.hpp"

namespace signet::accept {
namespace {

using Step = AuthExchange::Step;

bool is_mechanism(std::string_view text, std::string_view name) {
  return smtp::equals_ignoring_case(text, name);
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

std::string Mechanisms::to_string() const {
  std::string names;
  if (scram && !channel_binding.empty()) names += " SCRAM-SHA-256-PLUS";
  if (scram) names += " SCRAM-SHA-256";
  if (passwords) names += " PLAIN LOGIN";
  return names.empty() ? names : names.substr(1);
}

bool AuthExchange::choose(std::string_view mechanism) {
  const bool plus = is_mechanism(mechanism, "SCRAM-SHA-256-PLUS");
  if (plus || is_mechanism(mechanism, "SCRAM-SHA-256")) {
    if (!offered_.scram || (plus && offered_.channel_binding.empty())) return false;
    scram_ = std::make_unique<ScramExchange>(plus, offered_.channel_binding);
    awaits_ = Awaits::scram_first;
    return true;
  }
  awaits_ = is_mechanism(mechanism, "PLAIN") ? Awaits::plain : Awaits::login_user;
  return offered_.passwords && (awaits_ == Awaits::plain || is_mechanism(mechanism, "LOGIN"));
}

Result<Step> AuthExchange::start(std::string_view argument) {
  const std::size_t space = std::min(argument.find(' '), argument.size());
  const std::string_view mechanism = argument.substr(0, space);
  const std::string_view initial = argument.substr(std::min(space + 1, argument.size()));
  if (mechanism.empty()) return malformed("AUTH without mechanism");
  if (!choose(mechanism)) return fail(Fault::auth_mechanism_unknown);
  if (initial == "=") return on_response({});
  if (!initial.empty()) return on_line(initial);
  return Step(Challenge{awaits_ == Awaits::login_user ? "VXNlcm5hbWU6" : ""});
}

Result<Step> AuthExchange::on_line(std::string_view line) {
  if (line == "*") return fail(Fault::auth_cancelled);
  const auto response = smtp::decode_base64(line);
  if (!response) return malformed("not base64");
  return on_response(*response);
}

Result<Step> AuthExchange::on_response(const std::string& response) {
  switch (awaits_) {
    case Awaits::plain:
      return split_plain(response);
    case Awaits::login_user:
    case Awaits::login_password:
      return on_login(response);
    case Awaits::scram_first: {
      auto user = scram_->on_client_first(response);
      if (!user) return user.failure();
      return Step(NeedsKeys{std::move(*user)});
    }
    case Awaits::scram_final:
      return go_on(scram_->on_client_final(response), Awaits::scram_end);
    case Awaits::scram_end:
      break;
  }
  // RFC 4954 4: what a mechanism says with its success is a challenge, and the answer is empty.
  if (!response.empty()) return malformed("SCRAM goes on");
  return Step(Verdict{scram_->user(), true});
}

Result<Step> AuthExchange::on_login(const std::string& response) {
  if (response.empty() || response.contains('\0')) return malformed("LOGIN with NUL or nothing");
  if (awaits_ == Awaits::login_password) return Step(Credentials{user_, response});
  user_ = response;
  awaits_ = Awaits::login_password;
  return Step(Challenge{"UGFzc3dvcmQ6"});
}

Result<Step> AuthExchange::on_keys(const config::ScramKeys& keys) {
  return go_on(scram_->on_keys(keys), Awaits::scram_final);
}

Result<Step> AuthExchange::go_on(const Result<std::string>& message, Awaits next) {
  if (!message && message.error().fault == Fault::auth_failed) {
    return Step(Verdict{scram_->user(), false});
  }
  if (!message) return message.failure();
  awaits_ = next;
  return Step(Challenge{smtp::encode_base64(*message)});
}

}  // namespace signet::accept
