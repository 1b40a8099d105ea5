// KeyService: the verbs of `signet keys`, done by the running relay for the admin API.
//
// As the command line does it: on the store itself, under the folder's lock, with the publisher and
// the proof that the relay was started with. Any thread.
#pragma once

#include "keys/create_key.hpp"
#include "relay/admin/key_control.hpp"
#include "relay/services.hpp"

namespace signet {

class KeyService final : public admin::KeyControl {
 public:
  explicit KeyService(Services& services)
      : services_(services), settings_(services.current.get()->settings) {}

  [[nodiscard]] Result<std::vector<Domain>> domains() override;
  [[nodiscard]] Result<nlohmann::json> show(const Domain& domain) override;
  [[nodiscard]] Result<nlohmann::json> signing(const Domain& domain) override;
  [[nodiscard]] Result<nlohmann::json> obey(const admin::KeyOrder& order) override;

 private:
  [[nodiscard]] Result<keys::CreatedKey> create(const admin::KeyOrder& order,
                                                keys::Algorithm algorithm);
  [[nodiscard]] Result<void> take(const admin::KeyOrder& order);

  Services& services_;
  std::shared_ptr<const config::Settings> settings_;  // Of the start, as the domain store's.
};

}  // namespace signet
