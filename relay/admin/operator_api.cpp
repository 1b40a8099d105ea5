#include "relay/admin/operator_api.hpp"

#include <nlohmann/json.hpp>
#include <optional>

#include "relay/admin/http_answer.hpp"

namespace signet::admin {
namespace {

using nlohmann::json;

constexpr std::string_view kQueue = "/v1/queue/";
constexpr std::string_view kExplanation = "/explanation";
constexpr std::string_view kExplain = "/v1/explain";

bool asks_for_explanation(const net::HttpRequest& request) {
  return request.path.starts_with(kQueue) && request.path.ends_with(kExplanation);
}

/// The texts of a flat object; nothing where the body is anything else.
std::optional<std::map<std::string, std::string>> read_texts(const std::string& body) {
  const json parsed = json::parse(body.empty() ? "{}" : body, nullptr, false);
  if (!parsed.is_object()) return std::nullopt;
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : parsed.items()) {
    if (!value.is_string()) return std::nullopt;
    texts[name] = value.get<std::string>();
  }
  return texts;
}

std::string take(std::map<std::string, std::string>& texts, const std::string& name) {
  const auto node = texts.extract(name);
  return node.empty() ? std::string() : node.mapped();
}

}  // namespace

bool OperatorApi::takes(const net::HttpRequest& request) {
  return request.path == kExplain || asks_for_explanation(request);
}

void OperatorApi::answer(net::HttpExchange exchange) { explain(std::move(exchange)); }

void OperatorApi::explain(net::HttpExchange exchange) {
  const net::HttpRequest request = exchange.request();
  auto done = [exchange = std::move(exchange)](Result<json> told) mutable {
    const bool is_wrong = !told && told.error().fault == Fault::bad_parameter;
    exchange.respond(told       ? reply(200, *told)
                     : is_wrong ? refuse(400, told.error().public_text())
                                : refuse(told.error()));
  };
  if (asks_for_explanation(request)) {
    const std::string_view path = request.path;
    const auto id = QueueId::parse(
        path.substr(kQueue.size(), path.size() - kQueue.size() - kExplanation.size()));
    if (!id) return done(fail(Fault::bad_parameter, "", "not a queue id"));
    return explanations_.explain(*id, std::move(done));
  }
  auto texts = read_texts(request.body);
  if (!texts) return done(fail(Fault::bad_parameter, "", "the body is an object of texts"));
  Hypothesis asked{.from = take(*texts, "from"),
                   .to = {},
                   .sender = take(*texts, "sender"),
                   .client = take(*texts, "client"),
                   .address = take(*texts, "address"),
                   .user = take(*texts, "user")};
  if (const std::string to = take(*texts, "to"); !to.empty()) asked.to.push_back(to);
  if (!texts->empty())
    return done(fail(Fault::bad_parameter, "", "unknown member: " + texts->begin()->first));
  explanations_.explain(std::move(asked), std::move(done));
}

}  // namespace signet::admin
