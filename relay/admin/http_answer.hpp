// How the admin API answers: a JSON object, or {"error": "words"}.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "relay/base/result.hpp"
#include "relay/net/http_server.hpp"

namespace signet::admin {

[[nodiscard]] net::HttpResponse reply(int status, const nlohmann::json& body);
[[nodiscard]] net::HttpResponse refuse(int status, std::string_view words);
/// 404 not found, 400 a wrong request, 503 not now, else 409.
[[nodiscard]] net::HttpResponse refuse(const Error& error);

}  // namespace signet::admin
