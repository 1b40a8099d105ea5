#include "relay/submission.hpp"

#include <algorithm>

#include "relay/parse/address_scanner.hpp"
#include "relay/parse/parsed.hpp"

namespace signet::submission {
namespace {

constexpr std::string_view kWithValue = "BCFfrhLNOopRVX";  // Attached, or the next argument.
constexpr std::string_view kWithoutMeaning = "AGnUvmsb";

Failure refuse(const std::string& text) { return fail(Fault::bad_parameter, text, text); }

/// What a mode of sendmail is called here.
Result<void> check_mode(std::string_view option) {
  if (option == "-bm" || option.starts_with("-A") || option.starts_with("-G")) return {};
  if (option == "-bp") return refuse("to see the queue: signet queue list");
  if (option.starts_with("-b")) return refuse(std::string(option) + " is not for `signet send`");
  return {};
}

void take_value(char option, const std::string& value, Options& into) {
  if (option == 'f' || option == 'r') {
    into.has_sender = true;
    into.sender = value == "<>" ? "" : value;
  } else if (option == 'F') {
    into.full_name = value;
  } else if (option == 'o') {
    into.ignores_dots = into.ignores_dots || value.starts_with('i');
  }
}

/// One argument that begins with '-'; `next` gives the one after it.
template <typename Next>
Result<void> take_option(const std::string& argument, Next next, Options& into) {
  auto allowed = check_mode(argument);
  if (!allowed) return allowed;
  if (argument.starts_with("-q")) return refuse("the relay runs its queue: signet queue retry");
  for (std::size_t at = 1; at < argument.size(); ++at) {
    const char option = argument[at];
    if (kWithValue.contains(option)) {
      const bool is_attached = at + 1 < argument.size();
      const std::string* value = is_attached ? nullptr : next();
      if (!is_attached && value == nullptr) return refuse(argument + " needs a value");
      take_value(option, is_attached ? argument.substr(at + 1) : *value, into);
      return {};
    }
    if (option == 't') {
      into.takes_recipients_of_header = true;
    } else if (option == 'i') {
      into.ignores_dots = true;
    } else if (!kWithoutMeaning.contains(option)) {
      return refuse("unknown option " + argument);
    }
    if (option == 'b' || option == 'A') return {};  // What follows is its value, seen above.
  }
  return {};
}

struct Split {
  std::string header;
  std::string body;
};

bool is_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  return std::ranges::all_of(line.substr(0, colon), [](char c) { return c > ' ' && c < 0x7f; });
}

/// Calls `take` with each line without its end, to the end or a lone dot, until it says false.
template <typename Take>
void each_line(std::string_view input, bool ignores_dots, Take take) {
  while (!input.empty()) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    std::string_view line = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line == "." && !ignores_dots) return;
    take(line);
  }
}

/// A message that begins without a header, or ends it without an empty line, is helped.
Split split(std::string_view input, bool ignores_dots) {
  Split parts;
  bool in_header = true;
  bool is_first = true;
  each_line(input, ignores_dots, [&](std::string_view line) {
    const bool is_mbox_mark = is_first && line.starts_with("From ");
    is_first = false;
    if (is_mbox_mark) return;
    const bool continues =
        !parts.header.empty() && (line.starts_with(' ') || line.starts_with('\t'));
    if (in_header && !line.empty() && (continues || is_field(line))) {
      parts.header.append(line).append("\r\n");
      return;
    }
    const bool ends_header = in_header && line.empty();
    in_header = false;
    if (!ends_header) parts.body.append(line).append("\r\n");
  });
  return parts;
}

std::string qualify(const std::string& address, const std::string& host) {
  const bool is_whole = address.empty() || address.contains('@');
  return is_whole ? address : address + "@" + host;
}

/// An address that can stand in a command: the relay looks at its grammar, we at its octets.
bool is_safe(std::string_view address) {
  return std::ranges::none_of(address, [](char c) {
    return static_cast<unsigned char>(c) < ' ' || c == 0x7f || c == '<' || c == '>';
  });
}

Result<void> take_from_header(parse::MessageHeader& header, std::vector<std::string>& into) {
  const auto is_resent = [&](const char* name) { return header.count(name) > 0; };
  const bool resent = is_resent("Resent-To") || is_resent("Resent-Cc") || is_resent("Resent-Bcc");
  const std::string prefix = resent ? "Resent-" : "";
  for (const char* kind : {"To", "Cc", "Bcc"}) {
    const std::string name = prefix + kind;
    for (const parse::Field& field : header.fields()) {
      if (!std::ranges::equal(header.name(field), name, [](unsigned char a, unsigned char b) {
            return std::tolower(a) == std::tolower(b);
          })) {
        continue;
      }
      auto addresses = addresses_of(header.value(field));
      if (!addresses) return addresses.failure();
      std::ranges::move(*addresses, std::back_inserter(into));
    }
  }
  header.remove("Bcc");
  header.remove("Resent-Bcc");
  return {};
}

std::string from_field(const std::string& name, const std::string& address) {
  const bool is_plain =
      !name.empty() && std::ranges::all_of(name, [](char c) { return c >= ' ' && c < 0x7f; });
  if (!is_plain) return "From: " + address + "\r\n";
  std::string quoted;
  for (const char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return "From: \"" + quoted + "\" <" + address + ">\r\n";
}

}  // namespace

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  std::size_t at = 0;
  const auto next = [&]() -> const std::string* {
    return at + 1 < arguments.size() ? &arguments[++at] : nullptr;
  };
  bool only_recipients = false;
  for (; at < arguments.size(); ++at) {
    const std::string& argument = arguments[at];
    if (only_recipients || !argument.starts_with('-') || argument == "-") {
      options.recipients.push_back(argument);
    } else if (argument == "--") {
      only_recipients = true;
    } else if (argument == "--help") {
      options.wants_help = true;
    } else if (argument == "--config" || argument == "--server") {
      const std::string* value = next();
      if (value == nullptr) return refuse(argument + " needs a value");
      (argument == "--config" ? options.config : options.server) = *value;
    } else {
      auto taken = take_option(argument, next, options);
      if (!taken) return taken.failure();
    }
  }
  return options;
}

Result<std::vector<std::string>> addresses_of(std::string_view value) {
  std::vector<std::string> addresses;
  std::string bare;
  std::string angle;
  bool in_angle = false;
  bool has_angle = false;
  const auto flush = [&] {
    const std::string& address = has_angle ? angle : bare;
    if (!address.empty()) addresses.push_back(address);
    bare.clear();
    angle.clear();
    has_angle = false;
  };
  for (parse::AddressScanner scan(value); !scan.at_end();) {
    const char c = scan.peek();
    std::string& into = in_angle ? angle : bare;
    if (c == '(' || c == '"') {
      const auto taken = c == '(' ? scan.take_comment() : scan.take_quoted_string();
      if (taken.empty()) return fail(Fault::header_malformed, "an address that does not end");
      if (c == '"') into += taken;
      continue;
    }
    scan.skip();
    if (c == '<') {
      in_angle = has_angle = true;
    } else if (c == '>') {
      in_angle = false;
    } else if (!in_angle && (c == ',' || c == ';')) {
      flush();
    } else if (!in_angle && c == ':') {
      bare.clear();  // The name of a group.
    } else if (c != ' ' && c != '\t' && c != '\r' && c != '\n') {
      into += c;
    }
  }
  if (in_angle) return fail(Fault::header_malformed, "an address without its >");
  flush();
  return addresses;
}

Result<Submission> prepare(const Options& options, const Origin& origin, std::string_view input) {
  Split parts = split(input, options.ignores_dots);
  auto header = parse::MessageHeader::parse(std::move(parts.header), {});
  if (!header) return header.failure();
  Submission made;
  made.recipients = options.recipients;
  if (options.takes_recipients_of_header) {
    auto taken = take_from_header(*header, made.recipients);
    if (!taken) return taken.failure();
  }
  if (made.recipients.empty()) return fail(Fault::no_valid_recipients, "no recipient");
  if (made.recipients.size() > kMostRecipients) return fail(Fault::too_many_recipients);
  const std::string own = origin.user + "@" + origin.host;
  made.sender = options.has_sender ? qualify(options.sender, origin.host) : own;
  for (std::string& recipient : made.recipients) recipient = qualify(recipient, origin.host);
  if (!is_safe(made.sender) || !std::ranges::all_of(made.recipients, is_safe)) {
    return refuse("an address holds what no address can");
  }
  if (header->count("From") == 0) {
    header->append(from_field(options.full_name.empty() ? origin.full_name : options.full_name,
                              made.sender.empty() ? own : made.sender));
  }
  if (header->count("Date") == 0) {
    header->append("Date: " + parse::format_date(origin.now) + "\r\n");
  }
  made.message = header->block() + "\r\n" + parts.body;
  made.has_eight_bit =
      std::ranges::any_of(made.message, [](char c) { return static_cast<unsigned char>(c) > 127; });
  return made;
}

}  // namespace signet::submission
