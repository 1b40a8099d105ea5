// The readers of the sections, one function each: from a table of the document into the settings.
#pragma once

#include "config/section.hpp"
#include "config/settings.hpp"

namespace signet::config {

/// What an address, a network, a mailbox should look like, for messages.
inline constexpr std::string_view kAnAddress = "an IP address, such as \"192.0.2.7\"";
inline constexpr std::string_view kAnEndpoint =
    "an address with a port, such as \"0.0.0.0:25\" or \"[::]:25\"";
inline constexpr std::string_view kANetwork =
    "a network without host bits, such as \"10.0.0.0/8\" or \"::1\"";

void read_tls(Section& root, Settings& settings);
void read_listeners(Section& root, Settings& settings);  ///< After read_tls.
void read_users(Section& root, Settings& settings);
void read_clients(Section& root, Settings& settings);
void read_rewrites(Section& root, Settings& settings);
/// 'pool': the name of a [[pool]].
void read_pool_name(Section& section, std::string& into);
void read_pools(Section& root, Settings& settings);  ///< After the hostname.
void read_routes(Section& root, Settings& settings);
void read_signing(Section& root, Settings& settings);
void read_alignment(Section& root, Settings& settings);
void read_clock(Section& root, Settings& settings);
/// A policy for mail that is not in alignment.
[[nodiscard]] AlignmentPolicy read_alignment_policy(Section& section, std::string_view key,
                                                    AlignmentPolicy otherwise);
void read_dsn(Section& root, Settings& settings);
void read_limits(Section& root, Settings& settings);
void read_timeouts(Section& root, Settings& settings);
void read_queue(Section& root, Settings& settings);
void read_resolver(Section& root, Settings& settings);
void read_monitoring(Section& root, Settings& settings);  ///< After the spool's path.
void read_webhook(Section& root, Settings& settings);
void read_admin(Section& root, Settings& settings);
void read_rotation(Section& root, Settings& settings);  ///< After the resolver.
void read_audit(Section& root, Settings& settings);
void read_reload(Section& root, Settings& settings);

}  // namespace signet::config
