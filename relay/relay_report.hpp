// RelayReport: what the running relay says of itself to the admin API. Any thread.
#pragma once

#include "relay/admin/relay_state.hpp"
#include "relay/services.hpp"

namespace signet {

class RelayReport final : public admin::RelayState {
 public:
  explicit RelayReport(Services& services) : services_(services) {}

  [[nodiscard]] nlohmann::json egress() const override;
  [[nodiscard]] nlohmann::json configuration() const override;
  [[nodiscard]] std::string metrics() const override { return services_.metrics.expose(); }
  [[nodiscard]] nlohmann::json destinations(const std::string& after,
                                            std::size_t limit) const override;

 private:
  Services& services_;
};

}  // namespace signet
