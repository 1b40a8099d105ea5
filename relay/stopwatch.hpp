// Measures a stage and tells the metrics.
#pragma once

#include "relay/services.hpp"

namespace signet {

class Stopwatch {
 public:
  Stopwatch(Services& services, monitoring::Stage stage)
      : services_(services), stage_(stage), start_(services.clock.steady()) {}
  void stop() const {
    services_.metrics.stage_took(stage_, std::chrono::duration_cast<std::chrono::microseconds>(
                                             services_.clock.steady() - start_));
  }

 private:
  Services& services_;
  monitoring::Stage stage_;
  SteadyTime start_;
};

}  // namespace signet
