// Why a message met its fate, or would meet it: what an operator asks, whatever the transport.
//
// Answers are JSON (config/operating.md lists the members); explanation_text() writes them for
// people.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "relay/base/queue_id.hpp"
#include "relay/base/result.hpp"

namespace signet::admin {

/// A message that nobody has sent, as the operator writes it.
struct Hypothesis {
  std::string from;             ///< Author address.
  std::vector<std::string> to;  ///< Recipients; may be empty.
  std::string sender;           ///< MAIL FROM; empty: as the author; "<>": the null sender.
  std::string client;           ///< Name of a client; empty: found by the following.
  std::string address;          ///< Where it would come from.
  std::string user;             ///< AUTH user.
};

/// Called on the admin loop. `done` may be called on any thread, once.
class Explanations {
 public:
  using Done = std::move_only_function<void(Result<nlohmann::json>)>;
  virtual ~Explanations() = default;
  /// A message of the queue, or one that the delivery log knows. Fault: not_found.
  virtual void explain(QueueId id, Done done) = 0;
  /// Fault: bad_parameter (the public text names what is wrong).
  virtual void explain(Hypothesis asked, Done done) = 0;
};

/// For people. Text of strangers can't reach the terminal's control codes.
[[nodiscard]] std::string explanation_text(const nlohmann::json& explanation);

}  // namespace signet::admin
