// What `signet send` makes of its arguments and its input: an envelope and a message to submit.
//
// Pure. Compatible with sendmail(1) as far as cron, PHP and scripts use it: -t, -i, -oi, -f, -F and
// the options that mean nothing here. RFC 5322 for the message, RFC 6409 for what may be added.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "relay/base/clock.hpp"
#include "relay/base/result.hpp"

namespace signet::submission {

constexpr std::size_t kMostRecipients = 10'000;
constexpr std::size_t kMostOctets = 256U << 20U;  ///< Of the input.

struct Options {
  std::vector<std::string> recipients;
  bool takes_recipients_of_header = false;  ///< -t
  bool ignores_dots = false;                ///< -i: a lone dot does not end the message.
  bool has_sender = false;                  ///< -f, -r
  std::string sender;
  std::string full_name;  ///< -F
  std::string config;     ///< --config
  std::string server;     ///< --server: "unix:/path" or "address:port".
  bool wants_help = false;
};

/// Fault: bad_parameter, with a text that says what to do instead.
[[nodiscard]] Result<Options> parse_options(const std::vector<std::string>& arguments);

/// Who sends, and from where.
struct Origin {
  std::string user;
  std::string full_name;
  std::string host;  ///< Completes addresses without a domain.
  WallTime now;
};

struct Submission {
  std::string sender;  ///< Empty: the null sender.
  std::vector<std::string> recipients;
  std::string message;  ///< Lines end in CRLF; dots are as they were.
  bool has_eight_bit = false;
};

/// Takes the recipients, ends lines with CRLF, adds a missing From and Date, removes Bcc (-t).
/// Faults: header_malformed and the like; no_valid_recipients; bad_parameter.
[[nodiscard]] Result<Submission> prepare(const Options& options, const Origin& origin,
                                         std::string_view input);

/// The addresses of a To, Cc or Bcc field, as they are written: names, comments and groups apart.
/// Fault: header_malformed.
[[nodiscard]] Result<std::vector<std::string>> addresses_of(std::string_view value);

}  // namespace signet::submission
