// [admin].
#include "config/sections.hpp"

namespace signet::config {

void read_admin(Section& root, Settings& settings) {
  AdminSettings& into = settings.admin;
  root.table("admin", [&](Section& admin) {
    Endpoint listen;
    admin.parsed("listen", listen, &Endpoint::parse, kAnEndpoint);
    if (admin.has("listen")) into.listen = listen;
    admin.path("tokens", into.tokens);
    admin.flag("allow_remote", into.allow_remote);
    admin.count("requests_per_second", into.requests_per_second, 1U, 1'000'000U);
    if (!into.listen) return;
    if (into.tokens.empty()) {
      admin.problem("listen",
                    "needs 'tokens': nobody gets in by TCP without one ('signet token new' makes "
                    "them)");
    }
    if (!into.listen->address.is_loopback() && !into.allow_remote) {
      admin.problem("listen",
                    "is not a loopback address: tokens would travel in clear. Put a TLS proxy on "
                    "this machine in front, or set allow_remote = true");
    }
  });
}

}  // namespace signet::config
