// How many files and sockets the process may have open.
#pragma once

#include <cstdint>

namespace signet {

/// Raises the soft limit to the hard one and returns it. Half of it is left to spool, deliveries
/// and keys: a spool that can't open a file refuses mail until it is opened anew.
[[nodiscard]] std::uint32_t raise_descriptor_limit();

}  // namespace signet
