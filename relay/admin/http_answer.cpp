#include "relay/admin/http_answer.hpp"

#include <nlohmann/json.hpp>

#include "relay/admin/queue_json.hpp"

namespace signet::admin {

net::HttpResponse reply(int status, const nlohmann::json& body) {
  return {status, "application/json", to_text(body)};
}

net::HttpResponse refuse(int status, std::string_view words) {
  return reply(status, {{"error", words}});
}

net::HttpResponse refuse(const Error& error) {
  if (error.fault == Fault::not_found) return refuse(404, "no such message in the queue");
  return refuse(is_transient(error.fault) ? 503 : 409, error.public_text());
}

}  // namespace signet::admin
