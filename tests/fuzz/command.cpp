// A command line, its arguments, and the encodings that stand in them.
#include "relay/smtp/command.hpp"

#include "relay/smtp/characters.hpp"
#include "relay/smtp/utf8.hpp"
#include "tests/fuzz/require.hpp"

namespace signet {
namespace {

using fuzz::require;

bool is_clean(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void check_mail(std::string_view argument, const smtp::Offered& offered) {
  const auto mail = smtp::parse_mail(argument, offered);
  if (!mail) return;
  if (!mail->sender) return;
  const std::string address = mail->sender->to_string();
  require(is_clean(address) && address.size() <= 254);
  require(mail->utf8 || !smtp::has_eight_bit(address));
  const auto again = smtp::parse_mailbox(address, mail->utf8);
  require(again && *again == *mail->sender);
  require(is_clean(mail->envelope_id) && mail->envelope_id.size() <= 100);
}

void check_rcpt(std::string_view argument, const smtp::Offered& offered) {
  static const Domain kHost = Domain::parse("relay.example").value();
  const auto rcpt = smtp::parse_rcpt(argument, offered, kHost);
  if (!rcpt) return;
  require(is_clean(rcpt->address.to_string()) && is_clean(rcpt->dsn.original_recipient));
  require(!rcpt->address.local.empty());
}

void check_encodings(std::string_view text) {
  require(smtp::decode_xtext(smtp::encode_xtext(text)).value() == text);
  require(smtp::decode_base64(smtp::encode_base64(text)).value() == text);
  // Strict: one text for each string of octets.
  if (const auto octets = smtp::decode_base64(text)) require(smtp::encode_base64(*octets) == text);
  (void)smtp::decode_xtext(text);
}

void check_utf8_address(std::string_view text) {
  const auto address = smtp::decode_utf8_address(text, true);
  if (!address) return;
  require(smtp::is_utf8(*address) && is_clean(*address));
  const std::string escaped = smtp::encode_utf8_address(*address);
  require(!smtp::has_eight_bit(escaped));
  require(smtp::decode_utf8_address(escaped, false).value() == *address);
}

void check(std::string_view line) {
  const smtp::Command command = smtp::parse_command(line);
  require(command.argument.size() <= line.size());
  for (const bool all : {false, true}) {
    const smtp::Offered offered{.utf8 = all, .dsn = all, .auth = all, .require_tls = all};
    check_mail(command.argument, offered);
    check_mail(line, offered);
    check_rcpt(command.argument, offered);
  }
  if (const auto helo = smtp::parse_helo(command.argument)) require(is_clean(*helo));
  if (const auto bdat = smtp::parse_bdat(command.argument))
    require(command.argument.starts_with('0') ||
            command.argument.starts_with(std::to_string(bdat->size)));
  check_encodings(command.argument);
  check_utf8_address(command.argument);
}

}  // namespace
}  // namespace signet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  signet::check(signet::fuzz::as_text(octets, size));
  return 0;
}
