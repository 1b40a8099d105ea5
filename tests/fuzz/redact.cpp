// Lines of the delivery log with the words of peers in them. Held to: a line of JSON stays one,
// with its names and what is no text as they were; a known address does not stay, nor does any
// quoted local part; what is redacted stays as it is.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "relay/report/address_privacy.hpp"
#include "tests/fuzz/require.hpp"

namespace signet::report {
namespace {

using fuzz::require;
using nlohmann::json;

const AddressPrivacy kDomain{.addresses = Addresses::domain};
const AddressPrivacy kHashed{.addresses = Addresses::hashed, .key = std::string(32, 'k')};

/// RFC 5322 3.2.4.
std::string quoted(std::string_view text) {
  std::string made = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') made += '\\';
    made += c;
  }
  return made + '"';
}

void check_line(std::string_view text) {
  const json fact{{"event", "deferred"},
                  {"reply", text},
                  {"count", 7},
                  {"recipient", "hidden.person@example.com"},
                  {"sender", quoted(text) + "@example.com"}};
  const std::string line = fact.dump(-1, ' ', false, json::error_handler_t::replace);
  for (const AddressPrivacy& privacy : {kDomain, kHashed}) {
    const std::string redacted = redact_addresses(line, privacy);
    const json read = json::parse(redacted, nullptr, false);
    require(read.is_object() && read.size() == fact.size());
    require(read["event"] == "deferred" && read["count"] == 7 && read["reply"].is_string());
    require(read["recipient"].get<std::string>().ends_with("@example.com"));
    const std::size_t hash = privacy.addresses == Addresses::hashed ? 16 : 0;
    require(read["sender"].get<std::string>().substr(hash) == "@example.com");
    require(text.contains("hidden.person") || !redacted.contains("hidden.person"));
  }
}

void check_text(std::string_view text) {
  const std::string once = redact_addresses(text, kDomain);
  require(once.size() <= text.size());
  require(std::ranges::count(once, '@') <= std::ranges::count(text, '@'));
  require(redact_addresses(text, {.addresses = Addresses::whole}) == text);
  (void)redact_addresses(text, kHashed);
}

}  // namespace
}  // namespace signet::report

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  const auto text = signet::fuzz::as_text(octets, size);
  signet::report::check_line(text);
  signet::report::check_text(text);
  return 0;
}
