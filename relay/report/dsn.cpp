#include "relay/report/dsn.hpp"

#include <algorithm>

#include "relay/report/plain_text.hpp"
#include "relay/smtp/characters.hpp"
#include "relay/smtp/command.hpp"

namespace signet::report {
namespace {

constexpr std::size_t kMaxQuotedHeader = 32UL << 10U;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "c.ddd.ddd" of RFC 3463 2, of class 2, 4 or 5.
bool is_status(std::string_view text) {
  if (text.size() < 5 || text.size() > 9 || (text[0] != '2' && text[0] != '4' && text[0] != '5')) {
    return false;
  }
  const std::size_t dot = text.find('.', 2);
  if (text[1] != '.' || dot == std::string_view::npos || dot == 2 || dot > 5) return false;
  const std::string_view last = text.substr(dot + 1);
  return !last.empty() && last.size() <= 3 && std::ranges::all_of(last, is_digit) &&
         std::ranges::all_of(text.substr(2, dot - 2), is_digit);
}

std::string status_of(const DsnRecipient& recipient, DsnKind kind) {
  if (is_status(recipient.enhanced)) return recipient.enhanced;
  const std::string_view reply = recipient.reply;
  if (reply.size() > 4) {
    const std::string_view word = reply.substr(4, reply.find(' ', 4) - 4);
    if (is_status(word)) return std::string(word);
  }
  if (kind == DsnKind::success) return "2.0.0";
  const bool is_transient = !reply.empty() ? reply.front() == '4' : kind == DsnKind::delay;
  return is_transient ? "4.0.0" : "5.0.0";
}

std::string_view action_of(const DsnRecipient& recipient, DsnKind kind) {
  if (kind == DsnKind::failure) return "failed";
  if (kind == DsnKind::delay) return "delayed";
  return recipient.relayed ? "relayed" : "delivered";
}

std::string decoded(const std::string& xtext) {
  const auto text = smtp::decode_xtext(xtext);
  return text ? *text : xtext;
}

// ORCPT is TYPE ";" and the address, whose form depends on the type (RFC 3461 4.2, RFC 6533 3).
std::string original_recipient(const std::string& parameter, bool utf8) {
  const std::size_t end = parameter.find(';');
  if (end == std::string::npos) return {};
  const std::string type = parameter.substr(0, end);
  const std::string address = parameter.substr(end + 1);
  if (!smtp::equals_ignoring_case(type, "utf-8")) return type + "; " + decoded(address);
  const auto text = smtp::decode_utf8_address(address, true);
  if (!text) return {};
  return type + "; " + (utf8 ? *text : smtp::encode_utf8_address(*text));
}

// Something in the report can't be said in ASCII.
bool needs_utf8(const DsnRequest& request) {
  const auto is_wide = [](const DsnRecipient& recipient) {
    return recipient.recipient.address.needs_utf8() ||
           smtp::has_eight_bit(
               original_recipient(recipient.recipient.dsn.original_recipient, true));
  };
  return request.utf8 && (request.to.needs_utf8() || smtp::has_eight_bit(request.original_header) ||
                          std::ranges::any_of(request.recipients, is_wide));
}

std::string introduction(const DsnRequest& request) {
  switch (request.kind) {
    case DsnKind::failure:
      return "Your message could not be delivered to the recipients below, and will not be tried "
             "again.";
    case DsnKind::delay:
      return "Your message has not reached the recipients below yet. You need not send it again: "
             "delivery will be tried until " +
             format_date(request.will_retry_until) + ".";
    case DsnKind::success:
      break;
  }
  return "Your message was delivered to the recipients below, or passed on to a mail system that "
         "may not tell you more.";
}

std::string conclusion(const DsnRequest& request) {
  if (request.kind != DsnKind::failure) return "Nothing needs to be done now.";
  return "Please check the addresses and what the other side says. If that does not help, ask your "
         "postmaster and include this report; the message was known here as " +
         request.original.to_string() + ".";
}

std::string explain(const DsnRequest& request, bool utf8) {
  std::string text = wrap("This is the mail system at " + request.hostname + ".") + "\r\n";
  text += wrap(introduction(request));
  for (const DsnRecipient& recipient : request.recipients) {
    text += "\r\n" + wrap("<" + recipient.recipient.address.to_string() + ">", {}, utf8);
    text += wrap(
        recipient.remote_host.empty() ? "This mail system says:" : recipient.remote_host + " says:",
        "    ");
    text += wrap(recipient.reply, "    ");
  }
  return text + "\r\n" + wrap(conclusion(request));
}

std::string describe_recipient(const DsnRequest& request, const DsnRecipient& recipient,
                               bool utf8) {
  const Mailbox& address = recipient.recipient.address;
  const std::string original = original_recipient(recipient.recipient.dsn.original_recipient, utf8);
  std::string fields;
  if (!original.empty()) fields += format_field("Original-Recipient", original, utf8);
  const char* const address_type = utf8 && address.needs_utf8() ? "utf-8; " : "rfc822; ";
  fields += format_field("Final-Recipient", address_type + address.to_string(), utf8);
  fields += format_field("Action", action_of(recipient, request.kind));
  fields += format_field("Status", status_of(recipient, request.kind));
  if (!recipient.remote_host.empty()) {
    fields += format_field("Remote-MTA", "dns; " + recipient.remote_host);
  }
  if (!recipient.reply.empty() && request.kind != DsnKind::success) {
    const char* const type = recipient.remote_host.empty() ? "x-signet; " : "smtp; ";
    fields += format_field("Diagnostic-Code", type + recipient.reply);
  }
  if (request.kind == DsnKind::delay) {
    fields += format_field("Will-Retry-Until", format_date(request.will_retry_until));
  }
  return fields;
}

std::string describe_status(const DsnRequest& request, bool utf8) {
  std::string fields = format_field("Reporting-MTA", "dns; " + request.hostname);
  if (!request.envelope_id.empty()) {
    fields += format_field("Original-Envelope-Id", decoded(request.envelope_id));
  }
  fields += format_field("Arrival-Date", format_date(request.received));
  for (const DsnRecipient& recipient : request.recipients) {
    fields += "\r\n" + describe_recipient(request, recipient, utf8);
  }
  return fields;
}

struct Part {
  std::string type;
  std::string text;
};

Part describe_original(const DsnRequest& request, bool utf8) {
  if (request.original_body) {
    return {utf8 ? "message/global" : "message/rfc822",
            request.original_header + "\r\n" + *request.original_body};
  }
  return {utf8 ? "message/global-headers" : "text/rfc822-headers",
          quote_header(request.original_header, kMaxQuotedHeader, utf8)};
}

// Nothing inside may look like the boundary, whatever a peer or the original said.
std::string choose_boundary(const DsnRequest& request, const std::vector<Part>& parts) {
  for (int number = 0;; ++number) {
    std::string boundary = "=_" + request.original.to_string() + "_" +
                           std::to_string(request.now.time_since_epoch().count()) + "_" +
                           std::to_string(number);
    const auto holds = [&](const Part& part) {
      return part.text.find(boundary) != std::string::npos;
    };
    if (std::ranges::none_of(parts, holds)) return boundary;
  }
}

std::string_view name_of(DsnKind kind) {
  if (kind == DsnKind::failure) return "failure";
  return kind == DsnKind::delay ? "delay" : "success";
}

std::string unique_id(const DsnRequest& request) {
  return "<" + request.original.to_string() + "." +
         std::to_string(request.now.time_since_epoch().count()) + "." +
         std::string(name_of(request.kind)) + "@" + request.from.domain.text() + ">";
}

std::string_view subject_of(DsnKind kind) {
  if (kind == DsnKind::failure) return "Undelivered mail returned to sender";
  return kind == DsnKind::delay ? "Delayed mail: delivery is still being tried"
                                : "Mail was delivered or passed on";
}

std::string make_header(const DsnRequest& request, const std::string& boundary, bool eight_bit) {
  std::string header =
      format_field("From", "\"Mail Delivery System\" <" + request.from.to_string() + ">");
  header += format_field("To", "<" + request.to.to_string() + ">", true);
  header += format_field("Subject", subject_of(request.kind));
  header += format_field("Date", format_date(request.now));
  header += format_field("Message-ID", unique_id(request));
  header += format_field("MIME-Version", "1.0");
  header += format_field("Auto-Submitted", "auto-replied");
  header +=
      format_field("Content-Type",
                   "multipart/report; report-type=delivery-status; boundary=\"" + boundary + "\"");
  if (eight_bit) header += format_field("Content-Transfer-Encoding", "8bit");
  return header;
}

std::string format_part(const Part& part) {
  std::string text = format_field("Content-Type", part.type);
  if (smtp::has_eight_bit(part.text)) text += format_field("Content-Transfer-Encoding", "8bit");
  text += "\r\n" + part.text;
  if (!text.ends_with("\r\n")) text += "\r\n";
  return text + "\r\n";
}

}  // namespace

DsnMessage build_dsn(const DsnRequest& request) {
  const bool utf8 = needs_utf8(request);
  const std::vector<Part> parts{
      {utf8 ? "text/plain; charset=utf-8" : "text/plain; charset=us-ascii", explain(request, utf8)},
      {utf8 ? "message/global-delivery-status" : "message/delivery-status",
       describe_status(request, utf8)},
      describe_original(request, utf8)};
  const auto is_eight_bit = [](const Part& part) { return smtp::has_eight_bit(part.text); };
  const bool eight_bit = std::ranges::any_of(parts, is_eight_bit);
  const std::string boundary = choose_boundary(request, parts);
  DsnMessage message{.header = make_header(request, boundary, eight_bit),
                     .body = {},
                     .eight_bit = eight_bit,
                     .utf8 = request.to.needs_utf8()};
  for (const Part& part : parts) message.body += "--" + boundary + "\r\n" + format_part(part);
  message.body += "--" + boundary + "--\r\n";
  return message;
}

}  // namespace signet::report
