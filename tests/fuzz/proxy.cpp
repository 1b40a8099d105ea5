// The PROXY header of a load balancer, read as a connection reads it. Held to: it never wants an
// octet beyond the cap, always comes to an end, any cut gives the same result, and a client is told
// only of a header that names one.
#include <algorithm>
#include <string>

#include "relay/accept/proxy_header.hpp"
#include "tests/fuzz/require.hpp"

namespace {

using signet::fuzz::require;

std::string read(std::string_view octets, std::size_t step) {
  std::size_t used = 0;
  while (true) {
    const auto header = signet::accept::read_proxy_header(octets.substr(0, used));
    if (!header) return "refused";
    if (header->wants == 0) {
      require(used >= 15);
      return (header->client ? header->client->to_string() : "own") + " " + std::to_string(used);
    }
    require(used + header->wants <= signet::accept::kMaxProxyHeader);
    const std::size_t got = std::min({header->wants, step, octets.size() - used});
    if (got == 0) return "incomplete";
    used += got;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
  const auto input = signet::fuzz::as_text(octets, size);
  const std::string whole = read(input, signet::accept::kMaxProxyHeader);
  require(read(input, 1) == whole);
  require(read(input, 5) == whole);
  return 0;
}
