// What the running relay can say of itself, besides its queue and its keys.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace signet::admin {

class RelayState {
 public:
  virtual ~RelayState() = default;
  /// Pools and the addresses mail leaves from. Does not block.
  [[nodiscard]] virtual nlohmann::json egress() const = 0;
  /// Which configuration is in force, and how the last reload went. Does not block.
  [[nodiscard]] virtual nlohmann::json configuration() const = 0;
  /// All metrics in the text format of Prometheus. May take a while.
  [[nodiscard]] virtual std::string metrics() const = 0;
  /// {"destinations": […], "next"}: those with connections, with somebody who waits for one, or in
  /// back-off, by name. May take a while.
  [[nodiscard]] virtual nlohmann::json destinations(const std::string& after,
                                                    std::size_t limit) const = 0;
};

}  // namespace signet::admin
