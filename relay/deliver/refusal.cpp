#include "relay/deliver/refusal.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

namespace signet::deliver {
namespace {

struct Provider {
  std::string_view ending;
  std::string_view name;
};

constexpr std::array kProviders{Provider{".google.com", "google"},
                                Provider{".googlemail.com", "google"},
                                Provider{".outlook.com", "microsoft"},
                                Provider{".mx.microsoft", "microsoft"},
                                Provider{".yahoodns.net", "yahoo"},
                                Provider{".icloud.com", "apple"},
                                Provider{".gmx.net", "gmx"},
                                Provider{".web.de", "gmx"},
                                Provider{".mimecast.com", "mimecast"},
                                Provider{".pphosted.com", "proofpoint"},
                                Provider{".ppe-hosted.com", "proofpoint"}};

// RFC 7372 3: DKIM (20 to 22), SPF (23, 24), reverse DNS (25), several (26). 27 to 32 are Google's
// for SPF, DKIM and alignment; 509 and 515 Microsoft's for DMARC and for its rules of bulk senders.
constexpr std::array kAuthentication{20, 21, 22, 23, 24, 25, 26, 27, 30, 32, 509, 515};

constexpr std::array kDkim{20, 21, 22, 30};

constexpr std::array<std::string_view, 8> kSubjects{"reply",   "address",  "mailbox", "system",
                                                    "network", "protocol", "content", "policy"};

struct EnhancedCode {
  int subject = 0;
  int detail = 0;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A number of one to three digits at the front of `text`, which is cut off.
std::optional<int> take_number(std::string_view& text) {
  const std::size_t digits = std::min<std::size_t>(
      static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin()), 4);
  int value = 0;
  if (digits == 0 || digits > 3) return std::nullopt;
  std::from_chars(text.data(), text.data() + digits, value);
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

/// status-code of RFC 3463 2 after the reply code: "x.y.z".
std::optional<EnhancedCode> enhanced_code(std::string_view text) {
  if (!take_number(text) || !take(text, '.')) return std::nullopt;
  const auto subject = take_number(text);
  if (!subject || !take(text, '.')) return std::nullopt;
  const auto detail = take_number(text);
  if (!detail) return std::nullopt;
  return EnhancedCode{*subject, *detail};
}

/// Of "550 5.7.26 text".
std::optional<EnhancedCode> code_in_reply(std::string_view reply) {
  return enhanced_code(reply.substr(std::min<std::size_t>(4, reply.size())));
}

bool is_peers_word(const RecipientOutcome& outcome) {
  return outcome.result != RecipientResult::delivered &&
         (outcome.fault == Fault::peer_permanent || outcome.fault == Fault::peer_temporary);
}

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string_view provider_of(std::string_view host) {
  std::string name(host.substr(0, host.find(' ')));
  std::ranges::transform(name, name.begin(), to_lower);
  for (const Provider& provider : kProviders) {
    if (name.ends_with(provider.ending)) return provider.name;
  }
  return "other";
}

std::string_view refusal_cause(const RecipientOutcome& outcome) {
  if (outcome.result == RecipientResult::delivered) return "none";
  if (!is_peers_word(outcome)) return row(outcome.fault).name;
  const auto code = code_in_reply(outcome.reply);
  if (!code || static_cast<std::size_t>(code->subject) >= kSubjects.size()) return "reply";
  if (code->subject == 7 &&
      std::ranges::find(kAuthentication, code->detail) != kAuthentication.end())
    return "authentication";
  return kSubjects[static_cast<std::size_t>(code->subject)];
}

bool blames_dkim(const RecipientOutcome& outcome) {
  if (!is_peers_word(outcome)) return false;
  const auto code = code_in_reply(outcome.reply);
  if (code && code->subject == 7 && std::ranges::find(kDkim, code->detail) != kDkim.end())
    return true;
  const auto same = [](char a, char b) { return to_lower(a) == b; };
  return !std::ranges::search(outcome.reply, std::string_view("dkim"), same).empty();
}

}  // namespace signet::deliver
