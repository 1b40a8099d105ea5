// The replies of a hostile peer: any cut of the stream gives the same replies, within the caps.
#include "relay/smtp/reply.hpp"

#include <algorithm>

#include "relay/smtp/characters.hpp"
#include "tests/fuzz/require.hpp"

namespace signet {
namespace {

using fuzz::require;

struct Outcome {
  std::vector<std::string> replies;
  bool failed = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void check_reply(const smtp::Reply& reply) {
  require(reply.code >= 200 && reply.code < 600);
  require(!reply.lines.empty() && reply.lines.size() <= 100);
  for (const std::string& line : reply.lines)
    require(line.size() <= 512 && std::ranges::all_of(line, smtp::is_printable));
  require(reply.to_string().size() <= 500);
  const auto capabilities = smtp::parse_capabilities(reply);
  require(capabilities.has_size || capabilities.size == 0);
}

Outcome read(std::string_view stream, std::size_t cut) {
  smtp::ReplyReader reader;
  Outcome outcome;
  for (std::size_t at = 0; at < stream.size() && !outcome.failed; at += cut) {
    reader.feed(stream.substr(at, cut));
    while (true) {
      const auto reply = reader.next();
      outcome.failed = !reply;
      if (!reply || !*reply) break;
      check_reply(**reply);
      outcome.replies.push_back((*reply)->enhanced + (*reply)->to_string());
    }
  }
  return outcome;
}

}  // namespace
}  // namespace signet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  const auto stream = signet::fuzz::as_text(octets, size);
  const auto whole = signet::read(stream, size + 1);
  signet::fuzz::require(signet::read(stream, 1) == whole);
  signet::fuzz::require(signet::read(stream, 7) == whole);
  return 0;
}
