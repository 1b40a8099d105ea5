#include "relay/accept/session.hpp"

#include <exception>

#include "relay/accept/connection.hpp"

namespace signet::accept {

net::Task<void> serve(net::Stream stream, config::ListenerSettings listener, Door& door,
                      monitoring::Metrics& metrics) {
  try {
    Connection connection(std::move(stream), std::move(listener), door, metrics);
    auto running = connection.run();
    co_await std::move(running);
  } catch (const std::exception&) {
    // Out of memory, most likely: this connection ends, the others live.
    metrics.command_refused(Fault::local_error);
  }
}

}  // namespace signet::accept
