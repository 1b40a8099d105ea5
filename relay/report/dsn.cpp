#include "relay/report/dsn.hpp"

#include <algorithm>

#include "relay/report/plain_text.hpp"
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
  const bool is_transient = !reply.empty() ? reply.front() == '4' : kind == DsnKind::delay;
  return is_transient ? "4.0.0" : "5.0.0";
}

std::string decoded(const std::string& xtext) {
  const auto text = smtp::decode_xtext(xtext);
  return text ? *text : xtext;
}

// ORCPT is TYPE ";" xtext (RFC 3461 4.2).
std::string original_recipient(const std::string& parameter) {
  const std::size_t end = parameter.find(';');
  if (end == std::string::npos) return {};
  return parameter.substr(0, end) + "; " + decoded(parameter.substr(end + 1));
}

std::string explain(const DsnRequest& request) {
  const bool is_delay = request.kind == DsnKind::delay;
  std::string text = wrap("This is the mail system at " + request.hostname + ".") + "\r\n";
  text += wrap(is_delay
                   ? "Your message has not reached the recipients below yet. You need not send it "
                     "again: delivery will be tried until " +
                         format_date(request.will_retry_until) + "."
                   : "Your message could not be delivered to the recipients below, and will not be "
                     "tried again.");
  for (const DsnRecipient& recipient : request.recipients) {
    text += "\r\n" + wrap("<" + recipient.recipient.address.to_string() + ">");
    text += wrap(
        recipient.remote_host.empty() ? "This mail system says:" : recipient.remote_host + " says:",
        "    ");
    text += wrap(recipient.reply, "    ");
  }
  text += "\r\n";
  text += wrap(is_delay ? "Nothing needs to be done now."
                        : "Please check the addresses and what the other side says. If that does "
                          "not help, ask your postmaster and include this report; the message was "
                          "known here as " +
                              request.original.to_string() + ".");
  return text;
}

std::string describe_recipient(const DsnRequest& request, const DsnRecipient& recipient) {
  const bool is_delay = request.kind == DsnKind::delay;
  const std::string original = original_recipient(recipient.recipient.dsn.original_recipient);
  std::string fields;
  if (!original.empty()) fields += format_field("Original-Recipient", original);
  fields += format_field("Final-Recipient", "rfc822; " + recipient.recipient.address.to_string());
  fields += format_field("Action", is_delay ? "delayed" : "failed");
  fields += format_field("Status", status_of(recipient, request.kind));
  if (!recipient.remote_host.empty()) {
    fields += format_field("Remote-MTA", "dns; " + recipient.remote_host);
  }
  if (!recipient.reply.empty()) {
    const char* const type = recipient.remote_host.empty() ? "x-signet; " : "smtp; ";
    fields += format_field("Diagnostic-Code", type + recipient.reply);
  }
  if (is_delay) fields += format_field("Will-Retry-Until", format_date(request.will_retry_until));
  return fields;
}

std::string describe_status(const DsnRequest& request) {
  std::string fields = format_field("Reporting-MTA", "dns; " + request.hostname);
  if (!request.envelope_id.empty()) {
    fields += format_field("Original-Envelope-Id", decoded(request.envelope_id));
  }
  fields += format_field("Arrival-Date", format_date(request.received));
  for (const DsnRecipient& recipient : request.recipients) {
    fields += "\r\n" + describe_recipient(request, recipient);
  }
  return fields;
}

// Nothing inside may look like the boundary, whatever a peer or the original said.
std::string choose_boundary(const DsnRequest& request, const std::vector<std::string>& parts) {
  for (int number = 0;; ++number) {
    std::string boundary = "=_" + request.original.to_string() + "_" +
                           std::to_string(request.now.time_since_epoch().count()) + "_" +
                           std::to_string(number);
    const auto holds = [&](const std::string& part) {
      return part.find(boundary) != std::string::npos;
    };
    if (std::ranges::none_of(parts, holds)) return boundary;
  }
}

std::string unique_id(const DsnRequest& request) {
  return "<" + request.original.to_string() + "." +
         std::to_string(request.now.time_since_epoch().count()) +
         (request.kind == DsnKind::delay ? ".delay@" : ".failure@") + request.from.domain.text() +
         ">";
}

std::string make_header(const DsnRequest& request, const std::string& boundary) {
  const char* const subject = request.kind == DsnKind::delay
                                  ? "Delayed mail: delivery is still being tried"
                                  : "Undelivered mail returned to sender";
  std::string header =
      format_field("From", "\"Mail Delivery System\" <" + request.from.to_string() + ">");
  header += format_field("To", "<" + request.to.to_string() + ">");
  header += format_field("Subject", subject);
  header += format_field("Date", format_date(request.now));
  header += format_field("Message-ID", unique_id(request));
  header += format_field("MIME-Version", "1.0");
  header += format_field("Auto-Submitted", "auto-replied");
  header +=
      format_field("Content-Type",
                   "multipart/report; report-type=delivery-status; boundary=\"" + boundary + "\"");
  return header;
}

}  // namespace

DsnMessage build_dsn(const DsnRequest& request) {
  const std::vector<std::string> types{"text/plain; charset=us-ascii", "message/delivery-status",
                                       "text/rfc822-headers"};
  const std::vector<std::string> parts{explain(request), describe_status(request),
                                       quote_header(request.original_header, kMaxQuotedHeader)};
  const std::string boundary = choose_boundary(request, parts);
  DsnMessage message{make_header(request, boundary), {}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    message.body += "--" + boundary + "\r\n" + format_field("Content-Type", types[i]) + "\r\n";
    message.body += parts[i] + "\r\n";
  }
  message.body += "--" + boundary + "--\r\n";
  return message;
}

}  // namespace signet::report
