#include "relay/admin/call.hpp"

#include "relay/admin/problem.hpp"

namespace signet::admin {

Call::Call(net::HttpExchange exchange, Auditor& auditor)
    : exchange_(std::move(exchange)), auditor_(&auditor) {}

Call::Call(Call&& other) noexcept
    : caller(std::move(other.caller)),
      segments(std::move(other.segments)),
      parameters(std::move(other.parameters)),
      body(std::move(other.body)),
      is_audited(other.is_audited),
      exchange_(std::move(other.exchange_)),
      auditor_(std::exchange(other.auditor_, nullptr)) {}

Call::~Call() {
  if (auditor_ != nullptr) refuse(500, "the relay has no answer: see its log");
}

std::string_view Call::parameter(std::string_view name, std::string_view otherwise) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? otherwise : std::string_view(found->second);
}

void Call::refuse(int status, std::string_view detail) { respond(problem(status, detail), detail); }

void Call::refuse(const Error& error) { respond(problem(error), error.public_text()); }

void Call::respond(net::HttpResponse response, std::string_view why) {
  Auditor* auditor = std::exchange(auditor_, nullptr);
  if (auditor == nullptr) return;
  const net::HttpRequest& request = exchange_.request();
  auditor->answered({caller, request.method, request.target, response.status, std::string(why)},
                    is_audited);
  exchange_.respond(std::move(response));
}

}  // namespace signet::admin
