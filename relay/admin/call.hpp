// One request that passed the door: who asks, what its route found, and the duty to answer.
//
// The answer goes through here, so that every write, whatever became of it, is an audit line.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/admin/request_body.hpp"
#include "relay/admin/request_target.hpp"
#include "relay/admin/tokens.hpp"
#include "relay/net/http_server.hpp"

namespace signet::admin {

struct Caller {
  std::string name;  ///< "token deploy", "uid 1000", or "unknown".
  std::string from;  ///< "127.0.0.1:40000" or "unix socket".
  Scope scope = Scope::read;

  [[nodiscard]] std::string to_string() const { return name + " (" + from + ")"; }
};

/// What an audit line says.
struct AuditFact {
  Caller caller;
  std::string method;
  std::string target;
  int status = 0;
  std::string detail;  ///< Why it was refused; empty when it was done.
};

/// Hears of every answer. Any thread.
class Auditor {
 public:
  virtual ~Auditor() = default;
  virtual void answered(const AuditFact& fact, bool is_audited) = 0;
};

class Call {
 public:
  /// `auditor` outlives it.
  Call(net::HttpExchange exchange, Auditor& auditor);
  Call(Call&& other) noexcept;
  Call& operator=(Call&&) = delete;
  ~Call();  ///< Unanswered: 500.

  [[nodiscard]] const net::HttpRequest& request() const { return exchange_.request(); }
  /// The segment that stands where the route's path has its `index`-th {name}.
  [[nodiscard]] const std::string& segment(std::size_t index) const { return segments.at(index); }
  [[nodiscard]] std::string_view parameter(std::string_view name,
                                           std::string_view otherwise = {}) const;

  /// Once, from any thread. `why`: the words of a refusal, for the audit line.
  void respond(net::HttpResponse response, std::string_view why = {});
  void refuse(int status, std::string_view detail);
  void refuse(const Error& error);

  Caller caller;
  std::vector<std::string> segments;
  Parameters parameters;
  RequestBody body;
  bool is_audited = false;

 private:
  net::HttpExchange exchange_;
  Auditor* auditor_;  // Null: answered, or moved from.
};

}  // namespace signet::admin
