#include "relay/net/unbound_context.hpp"

#include <unbound-event.h>
#include <unbound.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

namespace signet::net {
namespace {

using Option = std::pair<const char*, const char*>;

// Names libunbound would answer by itself (RFC 6761, 6303, 7793); the servers know better, if only
// that there is no such name.
constexpr std::array kUnblocked{
    "localhost",
    "test",
    "invalid",
    "onion",
    "home.arpa",
    "127.in-addr.arpa",
    "0.in-addr.arpa",
    "255.255.255.255.in-addr.arpa",
    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"};

constexpr std::array kOptions{
    Option{"unblock-lan-zones:", "yes"}, Option{"insecure-lan-zones:", "yes"},
    Option{"msg-cache-size:", "8m"},     Option{"rrset-cache-size:", "16m"},
    Option{"use-syslog:", "no"},         Option{"verbosity:", "0"}};

Failure refuse(const std::string& what, int error) {
  return fail(Fault::configuration, "resolver: " + what + ": " + ub_strerror(error));
}

Result<void> set_option(ub_ctx* context, const char* name, const char* value) {
  const int error = ub_ctx_set_option(context, name, value);
  if (error != 0) return refuse(std::string(name) + " " + value, error);
  return {};
}

Result<void> set_common_options(ub_ctx* context, const ResolverSettings& settings,
                                bool validating) {
  for (const auto& [name, value] : kOptions) {
    if (auto set = set_option(context, name, value); !set) return set;
  }
  for (const char* zone : kUnblocked) {
    // As good as "nodefault", which ub_ctx_set_option takes and loses.
    const auto value = std::string(zone) + ". transparent";
    if (auto set = set_option(context, "local-zone:", value.c_str()); !set) return set;
  }
  if (settings.allow_loopback_servers) {
    if (auto set = set_option(context, "do-not-query-localhost:", "no"); !set) return set;
  }
  return set_option(context, "module-config:", validating ? "validator iterator" : "iterator");
}

Result<void> set_servers(ub_ctx* context, const ResolverSettings& settings) {
  switch (settings.mode) {
    case ResolverSettings::Mode::system:
      if (const int error = ub_ctx_resolvconf(context, nullptr); error != 0) {
        return refuse("/etc/resolv.conf", error);
      }
      return {};
    case ResolverSettings::Mode::servers:
      if (settings.servers.empty()) return fail(Fault::configuration, "resolver: no servers");
      for (const auto& server : settings.servers) {
        const auto text = server.address.to_string() + "@" + std::to_string(server.port);
        const int error = ub_ctx_set_fwd(context, text.c_str());
        if (error != 0) return refuse("server " + text, error);
      }
      return {};
    case ResolverSettings::Mode::recursive:
      if (settings.root_hints.empty()) return {};
      if (!std::ifstream(settings.root_hints)) {
        return fail(Fault::configuration,
                    "root hints " + settings.root_hints.string() + ": " + std::strerror(errno));
      }
      return set_option(context, "root-hints:", settings.root_hints.c_str());
  }
  return {};
}

}  // namespace

void UnboundContextFree::operator()(ub_ctx* context) const { ub_ctx_delete(context); }

Result<UniqueUnboundContext> make_unbound_context(event_base* base,
                                                  const ResolverSettings& settings,
                                                  bool validating) {
  UniqueUnboundContext context(ub_ctx_create_event(base));
  if (!context) return fail(Fault::configuration, "resolver: libunbound has no context for us");
  if (auto set = set_common_options(context.get(), settings, validating); !set) {
    return set.failure();
  }
  if (auto set = set_servers(context.get(), settings); !set) return set.failure();
  if (validating) {
    const int error = ub_ctx_add_ta_file(context.get(), settings.trust_anchor.c_str());
    if (error != 0) return refuse("trust anchor " + settings.trust_anchor.string(), error);
  }
  return context;
}

Result<std::string> trust_anchor_owner(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream) {
    return fail(Fault::configuration,
                "trust anchor " + file.string() + ": " + std::strerror(errno));
  }
  std::string line;
  while (std::getline(stream, line)) {
    const auto end = line.find_first_of(" \t");
    if (line.empty() || end == 0 || end == std::string::npos || line[0] == ';' || line[0] == '$') {
      continue;
    }
    const auto owner = line.substr(0, end);
    return owner == "@" ? "." : owner;
  }
  return fail(Fault::configuration, "trust anchor " + file.string() + ": no DS or DNSKEY record");
}

}  // namespace signet::net
