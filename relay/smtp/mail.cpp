// The argument of MAIL (RFC 5321 4.1.1.2) and its parameters.
#include "relay/smtp/characters.hpp"
#include "relay/smtp/command.hpp"
#include "relay/smtp/parameter.hpp"

namespace signet::smtp {
namespace {

constexpr std::size_t kMaxEnvelopeId = 100;  // RFC 3461 4.4

Result<void> take_size(const Parameter& parameter, MailCommand& command) {
  command.size = parse_octet_count(parameter.value);
  if (!command.size) return refuse_value(parameter);
  return {};
}

Result<void> take_body(const Parameter& parameter, MailCommand& command) {
  command.eight_bit = equals_ignoring_case(parameter.value, "8BITMIME");
  if (!command.eight_bit && !equals_ignoring_case(parameter.value, "7BIT"))
    return refuse_value(parameter);
  return {};
}

Result<void> take_utf8(const Parameter& parameter, MailCommand& command) {
  command.utf8 = true;
  if (parameter.has_value) return refuse_value(parameter);
  return {};
}

Result<void> take_require_tls(const Parameter& parameter, MailCommand& command) {
  command.require_tls = true;
  if (parameter.has_value) return refuse_value(parameter);
  return {};
}

Result<void> take_auth(const Parameter& parameter, MailCommand& command) {
  if (parameter.value.empty() || !decode_xtext(parameter.value)) return refuse_value(parameter);
  command.auth = parameter.value;
  return {};
}

Result<void> take_dsn_return(const Parameter& parameter, MailCommand& command) {
  command.dsn_return = to_upper(parameter.value);
  if (command.dsn_return != "FULL" && command.dsn_return != "HDRS") return refuse_value(parameter);
  return {};
}

Result<void> take_envelope_id(const Parameter& parameter, MailCommand& command) {
  if (!is_printable_xtext(parameter.value, kMaxEnvelopeId)) return refuse_value(parameter);
  command.envelope_id = parameter.value;
  return {};
}

Result<void> take(const Parameter& parameter, const Offered& offered, MailCommand& command) {
  const std::string& keyword = parameter.keyword;
  if (keyword == "SIZE" && offered.size) return take_size(parameter, command);
  if (keyword == "BODY" && offered.eight_bit) return take_body(parameter, command);
  if (keyword == "SMTPUTF8" && offered.utf8) return take_utf8(parameter, command);
  if (keyword == "AUTH" && offered.auth) return take_auth(parameter, command);
  if (keyword == "RET" && offered.dsn) return take_dsn_return(parameter, command);
  if (keyword == "ENVID" && offered.dsn) return take_envelope_id(parameter, command);
  if (keyword == "REQUIRETLS" && offered.require_tls) return take_require_tls(parameter, command);
  return fail(Fault::unknown_parameter, keyword);
}

}  // namespace

Result<MailCommand> parse_mail(std::string_view argument, const Offered& offered) {
  const auto parts = split_path(argument, "FROM:", Fault::bad_sender);
  if (!parts) return parts.failure();
  const auto parameters = parse_parameters(parts->parameters);
  if (!parameters) return parameters.failure();
  MailCommand command;
  for (const Parameter& parameter : *parameters) {
    if (const auto taken = take(parameter, offered, command); !taken) return taken.failure();
  }
  if (parts->path.empty()) return command;
  auto sender = parse_path(parts->path, Fault::bad_sender, command.utf8);
  if (!sender) return sender.failure();
  command.sender = std::move(*sender);
  return command;
}

}  // namespace signet::smtp
